"""Seeded chance: one independent generator per named thing, so that adding a device changes no other one."""

from __future__ import annotations

import random


def generator(seed: int, *words: str) -> random.Random:
    """Give the generator of a thing; text seeds give the same numbers on every machine and Python version."""
    return random.Random(":".join((str(seed), *words)))  # noqa: S311 -- plays weather and traffic, no secrets
