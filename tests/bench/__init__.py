"""Measures Canh: a file per bench, with its own seeded input and, where there is one, its limit in the same run."""

import os

os.environ.setdefault("POLARS_MAX_THREADS", "1")  # as all of our processes have it (deploy/stack.py)
