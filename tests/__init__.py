"""Proves."""
