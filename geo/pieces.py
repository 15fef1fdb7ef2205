"""The pieces that zones cut the land into: each gets a number when a position in it is first asked for, for good."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from threading import Lock

import numpy as np
import numpy.typing as npt

from geo.cells import Ints
from schemas.events import Mark, Zone

#: The kind of zone that a piece's commune is about.
COMMUNE = "commune"
#: What is known of a piece: the code of its commune, its zones, what is odd about it (`Mark`; None: nothing).
#: Zones are numbers, sorted, four bytes each (`zones_of` reads them; `ZoneIndex.zones` has them in that order): a piece
#: may be in many zones, and who asks for thousands wants a column of names, not a list of them for each.
Piece = tuple[str | None, bytes, str | None]
#: The number of what is no place, and what stands for its zones: as long as no four-byte numbers are.
NOWHERE, _NO_ZONES = 0, b"-"


def zones_of(held: Sequence[bytes]) -> tuple[npt.NDArray[np.int32], list[int]]:
    """Give the numbers of the zones of pieces, one piece after the other, and how many zones each has."""
    numbers = np.frombuffer(b"".join(held), np.int32)
    return numbers, [len(zones) // numbers.itemsize for zones in held]


class _Numbers(dict[bytes, int]):
    """Numbers in the order of asking."""

    def __missing__(self, over: bytes) -> int:
        self[over] = number = len(self)
        return number


class Pieces:
    """Pieces by the zones over them. `met` has them by number; it only ever grows.

    Threads may ask at the same time: all get the same number, and whoever has one finds its piece.
    """

    def __init__(self, zones: Sequence[Zone]) -> None:
        communes = [zone for zone in zones if zone.kind == COMMUNE]
        self._communes = sorted(communes, key=lambda zone: (zone.code, zone.id))
        order = {zone.id: place for place, zone in enumerate(self._communes)}
        # Of each zone: its place among the communes; one behind the last for other kinds.
        self._order = np.array([order.get(zone.id, len(communes)) for zone in zones], dtype=np.intp)
        self.met: list[Piece] = [(None, b"", Mark.NO_PLACE.value)]
        self._numbers = _Numbers({_NO_ZONES: NOWHERE})
        self._asking = Lock()

    def numbers(self, over: Sequence[bytes]) -> list[int]:
        """Give the number of the piece that is below exactly these zones, row by row."""
        with self._asking:
            found = [self._numbers[held] for held in over]
            count = len(self._numbers) - len(self.met)
            if count:
                self.met.extend(self._made(list(islice(reversed(self._numbers), count))[::-1]))
            return found

    def _made(self, over: list[bytes]) -> list[Piece]:
        numbers, counts = zones_of(over)
        first, communes = self._first(np.repeat(np.arange(len(over)), counts), numbers, len(over))
        return [
            (self._communes[place].code, held, None) if many == 1 else self._odd(held, place, many)
            for held, place, many in zip(over, first, communes, strict=True)
        ]

    def _first(self, piece: Ints, numbers: npt.NDArray[np.int32], count: int) -> tuple[list[int], list[int]]:
        """Give, for each piece, the place of its first commune in the order of codes, and how many communes it has.

        Without a commune the place is one behind the last.
        """
        order = self._order[numbers]
        found = np.flatnonzero(order < len(self._communes))
        first = np.full(count, len(self._communes))
        np.minimum.at(first, piece[found], order[found])
        return first.tolist(), np.bincount(piece[found], minlength=count).tolist()

    def _odd(self, held: bytes, first: int, communes: int) -> Piece:
        """Give the piece below zones that have no commune, or several: the first one counts."""
        if not communes:
            return None, held, Mark.OUTSIDE.value
        numbers = np.frombuffer(held, np.int32)
        order = self._order[numbers]
        kept = numbers[(order == first) | (order == len(self._communes))]
        return self._communes[first].code, kept.tobytes(), Mark.BOUNDARY_AMBIGUOUS.value
