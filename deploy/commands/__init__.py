"""The verbs of `canh`, one per file: each reads settings, calls one thing, prints for people or as JSON."""
