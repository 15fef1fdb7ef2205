"""Decides too: what signals mean for incidents, and what people may do with them. Pure: no I/O, no clock."""
