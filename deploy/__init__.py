"""Runs: the only place that knows processes, environment and concrete servers."""
