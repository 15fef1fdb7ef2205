"""What covers positions, as columns of numbers: their zones, the one commune that counts, and what is odd."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geo.cells import Ints
from schemas.events import Mark, Zone

#: The kind of zone that tells a place's commune.
COMMUNE = "commune"
#: What can be odd about a place: a number of `Cover.mark` counts in here, 0 is nothing.
MARKS = (None, Mark.NO_PLACE.value, Mark.OUTSIDE.value, Mark.BOUNDARY_AMBIGUOUS.value)
_FINE, _NO_PLACE, _OUTSIDE, _AMBIGUOUS = range(len(MARKS))


class Cover(NamedTuple):
    """What covers each position; zones are numbers, as `ZoneIndex.zones` has them.

    `commune` is the zone of its commune; outside all it is the number behind the last zone. On a shared edge the lowest
    code counts, and the other communes are left out of the zones. `counts` says how many zones each position has, and
    `zones` has them all, one position after the other, by id. `mark` is what is odd (see `MARKS`).
    """

    commune: Ints
    counts: Ints
    zones: Ints
    mark: npt.NDArray[np.uint8]


class Communes:
    """Which of some zones are communes, in the order in which they count."""

    def __init__(self, zones: Sequence[Zone]) -> None:
        order = sorted((zone.code, zone.id, number) for number, zone in enumerate(zones) if zone.kind == COMMUNE)
        self._zone = np.array([number for _, _, number in order] + [len(zones)], dtype=np.intp)
        # Of each zone: its place among the communes; one behind the last for other kinds.
        self._place = np.full(len(zones), len(order))
        self._place[self._zone[:-1]] = np.arange(len(order))

    def __len__(self) -> int:
        return len(self._zone) - 1

    def cover(self, there: npt.NDArray[np.bool_], near: Ints, zones: Ints) -> Cover:
        """Give what covers positions, of which some are no place, from all pairs of a position and a zone over it."""
        place = self._place[zones]
        found = np.flatnonzero(place < len(self))
        first = np.full(len(there), len(self))
        np.minimum.at(first, near[found], place[found])
        communes = np.bincount(near[found], minlength=len(there))
        if communes.max(initial=0) > 1:
            kept = (place == len(self)) | (place == first[near])
            near, zones = near[kept], zones[kept]
        mark = np.array([_OUTSIDE, _FINE, _AMBIGUOUS], np.uint8)[np.minimum(communes, 2)]
        mark[~there] = _NO_PLACE
        return Cover(self._zone[first], np.bincount(near, minlength=len(there)), zones, mark)
