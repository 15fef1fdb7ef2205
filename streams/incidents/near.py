"""Finds the drafts that a signal may join without looking at all of them: a grid in front of the exact match."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from schemas.events import Signal
from schemas.standing import Box
from streams.incidents.draft import Draft
from streams.incidents.match import box_around

#: Side of a cell in degrees, 550 m of latitude: about what rules take for one place (`merge_m`).
CELL_DEG = 0.005

_Cell = tuple[int, int]


class Near:
    """The drafts of one kind by place: in cells, and those of a commune for whom has no place."""

    def __init__(self) -> None:
        self._all: list[Draft] = []
        self._cells: dict[_Cell, list[Draft]] = {}
        self._placeless: dict[str | None, list[Draft]] = {}
        self._communes: dict[str | None, list[Draft]] = {}

    def add(self, draft: Draft) -> None:
        """Take note of a draft; its place and commune never change."""
        incident = draft.incident
        self._all.append(draft)
        self._communes.setdefault(incident.commune, []).append(draft)
        if incident.lon is None or incident.lat is None:
            self._placeless.setdefault(incident.commune, []).append(draft)
        else:
            self._cells.setdefault((_index(incident.lon), _index(incident.lat)), []).append(draft)

    def around(self, signal: Signal) -> Iterator[Draft]:
        """Give at least all drafts that the signal matches, in no order."""
        box = box_around(signal)
        if box is None:
            yield from self._communes.get(signal.commune, ())
            return
        yield from self._placeless.get(signal.commune, ())
        for cell in self._overlapped(box):
            yield from self._cells.get(cell, ())

    def _overlapped(self, box: Box) -> Iterable[_Cell]:
        """Give the cells of a box, or all cells that are in use when these are fewer."""
        west, south, east, north = map(_index, box)
        if (east - west + 1) * (north - south + 1) > len(self._cells):
            return list(self._cells)
        return [(x, y) for x in range(west, east + 1) for y in range(south, north + 1)]


def _index(degrees: float) -> int:
    return math.floor(degrees / CELL_DEG)
