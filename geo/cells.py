"""Parts the land into cells, dense where polygons are, and tells which cells boxes touch."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import isqrt
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

#: Cells for each polygon: more of them save nothing that can be measured.
CELLS_EACH = 64
#: Most cells; also most pairs of a cell and a polygon whose box touches it. 4 bytes a pair, 40 where there is an edge.
MAX_CELLS, MAX_PAIRS = 256 * 256, 2_000_000
#: Most times that outlines cross from cell to cell, and vertices worked on at a time: bound what building needs.
MAX_CROSSINGS, CHUNK = 2_000_000, 200_000

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]


class Blocks(NamedTuple):
    """Rectangles of cells; last row and column belong to them."""

    row: Ints
    last_row: Ints
    column: Ints
    last_column: Ints

    def sizes(self) -> Ints:
        """Give the number of cells in each."""
        return (self.last_row - self.row + 1) * (self.last_column - self.column + 1)

    def cells(self) -> tuple[Ints, Ints, Ints]:
        """Give each cell of each block: the block's number, row and column."""
        block, place = counted(self.sizes())
        down, right = np.divmod(place, (self.last_column - self.column + 1)[block])
        return block, self.row[block] + down, self.column[block] + right


class Lines(NamedTuple):
    """Lines of longitude and latitude (degrees, ascending) that part columns and rows; the outer ones hold all.

    A position on a line belongs to the cell east and north of it.
    """

    lon: Floats
    lat: Floats

    @property
    def columns(self) -> int:
        """The number of columns."""
        return len(self.lon) - 1

    @property
    def cells(self) -> int:
        """The number of cells: cell = row * columns + column."""
        return self.columns * (len(self.lat) - 1)

    def column(self, lon: Floats) -> Ints:
        """Give the column of each longitude within the outer lines."""
        return np.searchsorted(self.lon[1:-1], lon, "right")

    def row(self, lat: Floats) -> Ints:
        """Give the row of each latitude within the outer lines."""
        return np.searchsorted(self.lat[1:-1], lat, "right")

    def touched(self, west: Floats, south: Floats, east: Floats, north: Floats) -> Blocks:
        """Give the cells that boxes touch."""
        return Blocks(self.row(south), self.row(north), self.column(west), self.column(east))


def lines_for(shapes: Any) -> Lines:
    """Give lines for polygons: few cells for few of them, and fewer where most polygons would be in most cells."""
    if not len(shapes):
        return Lines(np.array([-1.0, 1.0]), np.array([-1.0, 1.0]))
    bounds = shapely.bounds(shapes)
    side = isqrt(min(CELLS_EACH * len(shapes), MAX_CELLS))
    while True:
        lines = Lines(_parted(bounds[:, [0, 2]], side), _parted(bounds[:, [1, 3]], side))
        few = lines.touched(*bounds.T).sizes().sum() <= MAX_PAIRS and _crossings(shapes, lines) <= MAX_CROSSINGS
        if side == 1 or few:
            return lines
        side = max(1, side * 4 // 5)


def slices(shapes: Any) -> Iterator[tuple[int, int]]:
    """Give slices of polygons that have about `CHUNK` vertices each."""
    chunk = np.cumsum(shapely.get_num_coordinates(shapes)) // CHUNK
    yield from pairwise([0, *(np.flatnonzero(np.diff(chunk)) + 1).tolist(), len(shapes)])


def counted(counts: Ints) -> tuple[Ints, Ints]:
    """Give, for groups of some sizes one after the other, each member's group and its place in it."""
    group = np.repeat(np.arange(len(counts)), counts)
    return group, np.arange(len(group)) - (np.cumsum(counts) - counts)[group]


def _parted(ends: Floats, side: int) -> Floats:
    """Give lines that lie as dense as the ends of polygons do, so that small ones close together are parted, too."""
    # Half a step aside: a line along an edge would make it an edge of the cells on both sides.
    steps = (np.arange(1, side) - 0.5) / (side - 1) if side > 1 else np.empty(0)
    inner = np.quantile(np.unique(ends), steps)
    return np.concatenate([[ends.min() - 1.0], inner, [ends.max() + 1.0]])


def _crossings(shapes: Any, lines: Lines) -> int:
    """Count the lines between neighbouring vertices of a polygon, and from one ring to the next."""
    count = 0
    for begin, end in slices(shapes):
        points, owner = shapely.get_coordinates(shapes[begin:end], return_index=True)
        crossed = np.abs(np.diff(lines.column(points[:, 0]))) + np.abs(np.diff(lines.row(points[:, 1])))
        count += int(crossed[owner[:-1] == owner[1:]].sum())
    return count
