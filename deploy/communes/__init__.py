"""Approximate communes of the demo's province: the file, the script that made it, the function that reads it."""
