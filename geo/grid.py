"""Finds the polygons that cover positions: a grid of cells that know what covers them and what has an edge in them.

A look into the cell decides most pairs of position and polygon; a polygon itself is asked only close to its edge. This
changes speed only, never an answer: whatever a cell does not prove is asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from geo.cells import Floats, Ints, Lines, counted, lines_for, slices
from geo.strips import Strips, strips_of


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Polygons by cell. `_pairs[_starts[i]:_starts[i + 1]]` are those of cell i, in the order of their numbers.

    A pair is the number of a polygon that covers the whole cell or, inverted (`~`), the number of a strip: its row in
    `_strips` (see `geo.strips.Strips`) and the place of its polygon in `_edged`.
    """

    _shapes: Any
    _lines: Lines
    _starts: npt.NDArray[np.int32]
    _pairs: npt.NDArray[np.int32]
    _edged: npt.NDArray[np.int32]
    _strips: Floats

    @classmethod
    def build(cls, shapes: Any) -> Grid:
        """Give the grid of an array of prepared, valid polygons in degrees."""
        lines = lines_for(shapes)
        edges = _edges(shapes, lines)
        inner, inner_cell = _inner(shapes, lines, edges)
        cell = np.concatenate([edges.cell, inner_cell])
        polygon = np.concatenate([edges.polygon, inner])
        order = np.argsort(cell * np.int64(len(shapes)) + polygon)
        # Strips lie in the order of cells, too: those of a cell come into the processor's cache together.
        with_edge = order < len(edges.cell)
        strips, polygon = order[with_edge], polygon[order]
        edged = polygon[with_edge].astype(np.int32)
        polygon[with_edge] = ~np.arange(len(strips))
        starts = np.searchsorted(cell[order], np.arange(lines.cells + 1))
        return cls(shapes, lines, starts.astype(np.int32), polygon.astype(np.int32), edged, edges.strip[strips])

    def covering(self, lon: Floats, lat: Floats) -> tuple[Ints, Ints]:
        """Give the pairs (position, polygon) where the polygon covers the position, edge included, sorted.

        Positions are degrees, finite.
        """
        # Beyond the outer lines there is nothing, nor on them; inside of them no number is too large to reckon with.
        lon, lat = (np.clip(axis, line[0], line[-1]) for axis, line in zip((lon, lat), self._lines, strict=True))
        cell = self._lines.row(lat) * self._lines.columns + self._lines.column(lon)
        start = self._starts[cell]
        near, place = counted(self._starts[cell + 1] - start)
        pairs = self._pairs[start[near] + place]
        polygons, holds = pairs.astype(np.intp), np.ones(len(pairs), dtype=bool)
        edges = np.flatnonzero(pairs < 0)
        strips, at = ~pairs[edges], near[edges]
        polygons[edges] = self._edged[strips]
        holds[edges] = self._holds(strips, lon[at], lat[at])
        held = np.flatnonzero(holds)
        return near[held], polygons[held]

    def _holds(self, strip: Ints, lon: Floats, lat: Floats) -> npt.NDArray[np.bool_]:
        """Tell which polygons cover the positions, each in the cell of the strip."""
        across_lon, across_lat, outside, inside = self._strips.take(strip, axis=0).T
        off = across_lon * lon + across_lat * lat
        holds: npt.NDArray[np.bool_] = off > inside
        asked = np.flatnonzero(~holds & (off >= outside))
        polygons = self._edged[strip[asked]]
        order = np.argsort(polygons)  # polygon by polygon: its index stays in the processor's cache
        asked, polygons = asked[order], polygons[order]
        holds[asked] = shapely.intersects_xy(self._shapes[polygons], lon[asked], lat[asked])
        return holds


def _edges(shapes: Any, lines: Lines) -> Strips:
    """Give the strips of all polygons, by polygon and cell."""
    parts = [strips_of(shapes, begin, end, lines) for begin, end in slices(shapes)]
    return Strips(*map(np.concatenate, zip(*parts, strict=True)))


def _inner(shapes: Any, lines: Lines, edges: Strips) -> tuple[Ints, Ints]:
    """Give (polygon, cell) of the cells inside of polygons.

    Between two cells of a row that edges touch, no edge passes, so one position tells for all cells between. Those
    left of the first and right of the last are outside.
    """
    row, column = np.divmod(edges.cell, lines.columns)
    left = np.flatnonzero((np.diff(edges.polygon) == 0) & (np.diff(row) == 0) & (np.diff(column) > 1))
    lon, lat = lines.lon[column[left] + 1], lines.lat[row[left]]
    left = left[shapely.intersects_xy(shapes[edges.polygon[left]], lon, lat)]
    gap, place = counted(edges.cell[left + 1] - edges.cell[left] - 1)
    return edges.polygon[left][gap], edges.cell[left][gap] + 1 + place
