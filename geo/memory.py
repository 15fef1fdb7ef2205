"""Remembers the places of positions asked before, bounded: sensors that stay put then cost almost nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

#: An exact (lon, lat) in degrees.
Position = tuple[float, float]
#: What is known of one position: the code of its commune, its zones, what is odd about it (`Mark`; None: nothing).
#: Zones are numbers, sorted, four bytes each (`zones_of` reads them; `ZoneIndex.zones` has them in that order): a place
#: may be in many zones, and who asks for thousands of places wants a column of names, not a list of them for each.
Place = tuple[str | None, bytes, str | None]


def zones_of(held: Sequence[bytes]) -> tuple[npt.NDArray[np.int32], list[int]]:
    """Give the numbers of the zones of places, one place after the other, and how many zones each place has."""
    numbers = np.frombuffer(b"".join(held), np.int32)
    return numbers, [len(zones) // numbers.itemsize for zones in held]


@dataclass(slots=True)
class PlaceMemory:
    """Places by exact position, in two generations of about `limit` positions each.

    When the young generation is full it becomes the old one and the old one is dropped; what is still asked for
    moves back. Unlike an LRU that needs no order per entry. Forgetting changes speed only, never an answer.
    """

    limit: int
    _young: dict[Position, Place] = field(default_factory=dict)
    _old: dict[Position, Place] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, positions: list[Position]) -> list[Place | None]:
        """Give the place of each position, None where it is not remembered."""
        found = list(map(self._young.get, positions))
        if not self._old or None not in found:
            return found
        missed = (position for position, place in zip(positions, found, strict=True) if place is None)
        moved = {position: self._old[position] for position in missed if position in self._old}
        self.put(moved)
        return [place or moved.get(position) for position, place in zip(positions, found, strict=True)]

    def put(self, places: dict[Position, Place]) -> None:
        """Remember places; more than `limit` at once are not worth it."""
        if len(places) > self.limit:
            return
        if len(self._young) + len(places) > self.limit:
            self._old, self._young = self._young, {}
        self._young.update(places)
