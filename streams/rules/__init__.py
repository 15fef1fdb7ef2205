"""Decides: rules as data, their conditions, and the pure state machines that turn events into signals."""
