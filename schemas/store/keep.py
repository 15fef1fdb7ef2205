"""For how long what grows with time is kept."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Keep:
    """Days since it came after which each kind is forgotten; None: never."""

    observations: int | None = None
    events: int | None = None
    resolved_letters: int | None = None  # since they were sent again
    open_letters: int | None = None  # since they came last
    rollups: int | None = None  # since what they tell of happened; only where the server makes rollups of its own
