"""Remembers the pieces of positions asked before, bounded: sensors that stay put then cost almost nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

#: An exact (lon, lat) in degrees.
Position = tuple[float, float]


@dataclass(slots=True)
class PlaceMemory:
    """Numbers of pieces (see `geo.pieces`) by exact position, in two generations of about `limit` positions each.

    When the young generation is full it becomes the old one and the old one is dropped; what is still asked for
    moves back. Unlike an LRU that needs no order per entry. Forgetting changes speed only, never an answer.
    """

    limit: int
    _young: dict[Position, int] = field(default_factory=dict)
    _old: dict[Position, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, positions: list[Position]) -> list[int | None]:
        """Give the piece of each position, None where it is not remembered."""
        found = list(map(self._young.get, positions))
        if not self._old or None not in found:
            return found
        missed = (position for position, piece in zip(positions, found, strict=True) if piece is None)
        moved = {position: self._old[position] for position in missed if position in self._old}
        self.put(moved)
        return [
            moved.get(position) if piece is None else piece for position, piece in zip(positions, found, strict=True)
        ]

    def put(self, pieces: dict[Position, int]) -> None:
        """Remember pieces; more than `limit` at once are not worth it."""
        if len(pieces) > self.limit:
            return
        if len(self._young) + len(pieces) > self.limit:
            self._old, self._young = self._young, {}
        self._young.update(pieces)
