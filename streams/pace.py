"""Says when what may wait is written: at once while little comes, every few seconds while much comes.

A hop that lets something wait holds its stored offset back to the first record of it, so that a worker that takes over
works those records again.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from streams.watermark import Place

#: Of a busy device all values but the last are outdated when they are written. What it costs: a newest value, or a rule
#: state that a worker takes over, may be so old, and a tick older where nothing follows.
EVERY_S = 3.0
#: A run of so many rows is much. A worker that has just been given a partition and begins with such a run has a backlog
#: to work off: rows and alarms first.
MUCH = 1_000


class Pace:
    """Keeps, for each partition, since when it waits (its last full write, or its backlog's begin) and what it owes."""

    def __init__(self, clock: Callable[[], float] = monotonic, every_s: float = EVERY_S) -> None:
        self._clock = clock
        self._every_s = every_s
        self._since: dict[Place, float] = {}
        self._owes: dict[Place, int] = {}

    def is_due(self, place: Place, first: int, rows: int, *, hurried: bool = False) -> bool:
        """Say whether all must be written with the run of so many rows that begins at offset `first`.

        If not, it is owed from there.
        """
        if rows >= MUCH:
            self._since.setdefault(place, self._clock())
        if self._begin(place, hurried=hurried):
            return True
        self._owes.setdefault(place, first)
        return False

    def settle(self, place: Place, *, hurried: bool = False) -> bool:
        """Say whether something is owed and has waited for long enough; the caller writes it now."""
        return place in self._owes and self._begin(place, hurried=hurried)

    def owed_from(self, place: Place) -> int | None:
        """Give the first record of which something is owed."""
        return self._owes.get(place)

    def forget(self, place: Place) -> None:
        """Owe nothing: memory was lost, the records come again.

        The time goes on: a partition that is given and taken every second would else never be written.
        """
        self._owes.pop(place, None)

    def _begin(self, place: Place, *, hurried: bool) -> bool:
        """Say whether it is time to write; if so, that is noted, and nothing is owed any more."""
        now = self._clock()
        if not hurried and now - self._since.get(place, -self._every_s) < self._every_s:
            return False
        self._since[place] = now
        self._owes.pop(place, None)
        return True
