"""Says what: the records, topics, SQL and stores that every other part speaks of. Imports nothing of ours."""
