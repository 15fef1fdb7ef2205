"""Other ways to do the pipeline's work in Python, one file each; each runs as a process in a venv of its own."""
