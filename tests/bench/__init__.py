"""Measures Canh: a file per bench, with its own seeded input and, where there is one, its limit in the same run."""
