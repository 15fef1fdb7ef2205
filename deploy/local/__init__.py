"""Runs the embedded servers of one machine: reads the data directory, gives a broker and a PostgreSQL."""
