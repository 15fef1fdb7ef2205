"""The only Python that runs SQL: abstract, memory, timescale (which is PostgreSQL with whatever it can do)."""
