"""Makes passwords for new accounts."""

from __future__ import annotations

import secrets

#: Without letters and digits that are mistaken for each other when read out.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


def new_password() -> str:
    """Give a password that a person can read out: 79 random bits in four groups of four."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(4)) for _ in range(4))
