"""Moves and decides: sources, hops, rules and incidents between the topics and the store."""
