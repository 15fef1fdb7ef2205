"""Finds where edges of polygons are, cell by cell: all of an edge in a cell lies in a strip between parallel lines."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import shapely

from geo.cells import Floats, Ints, Lines, counted

#: Degrees by which each edge is taken to be thicker, 0.1 mm: far more than numbers are rounded here (1e-13).
SLACK = 1e-9


class Strips(NamedTuple):
    """Pairs of a polygon and a cell that its edge touches, with the strip that holds all of that edge.

    A row of `strip` is (lon, lat, outside, inside): a position of the cell is inside the polygon where lon * its
    longitude + lat * its latitude is above `inside`, and outside where that is below `outside`. Both are infinite where
    nothing was proven.
    """

    polygon: Ints
    cell: Ints
    strip: Floats


class _Pieces(NamedTuple):
    """Straight pieces of outlines, the polygon on their left: its number, and both ends as (lon, lat)."""

    polygon: Ints
    begin: Floats
    end: Floats


class _Bands(NamedTuple):
    """Strips: (lon, lat) across them, to the polygon's side, and how far off both lines are in this direction."""

    lon: Floats
    lat: Floats
    low: Floats
    high: Floats


def strips_of(shapes: Any, begin: int, end: int, lines: Lines) -> Strips:
    """Give the strips of a slice of prepared polygons, by polygon and cell."""
    pieces, cell = _clipped(_pieces(shapes[begin:end], lines), lines)
    keys = pieces.polygon * lines.cells + cell
    order = np.argsort(keys)
    first = np.flatnonzero(np.diff(keys[order], prepend=-1))
    cell, polygon = cell[order[first]], begin + pieces.polygon[order[first]]
    return _proven(shapes[polygon], lines, polygon, cell, _bands(pieces.begin[order], pieces.end[order], first))


def _pieces(shapes: Any, lines: Lines) -> _Pieces:
    """Cut edges in pieces of about a cell: the box of a piece then touches few cells that the piece does not."""
    parts, owner = shapely.get_parts(shapes, return_index=True)
    rings, part = shapely.get_rings(shapely.orient_polygons(parts), return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    start = np.flatnonzero(ring[:-1] == ring[1:])
    column, row = np.diff(lines.column(points[:, 0]))[start], np.diff(lines.row(points[:, 1]))[start]
    cuts = np.maximum(1, np.maximum(np.abs(column), np.abs(row)))
    edge, place = counted(cuts)
    begin, way, share = points[start][edge], np.diff(points, axis=0)[start][edge], 1.0 / cuts[edge]
    return _Pieces(
        polygon=owner[part[ring[start]]][edge],
        begin=begin + way * (place * share)[:, None],
        end=begin + way * ((place + 1) * share)[:, None],
    )


def _clipped(pieces: _Pieces, lines: Lines) -> tuple[_Pieces, Ints]:
    """Give, for each cell that a piece touches, what of it is in there, and the cell."""
    west, south = np.minimum(pieces.begin, pieces.end).T - SLACK
    east, north = np.maximum(pieces.begin, pieces.end).T + SLACK
    piece, row, column = lines.touched(west, south, east, north).cells()
    begin, way = pieces.begin[piece], (pieces.end - pieces.begin)[piece]
    enter, leave = np.zeros(len(piece)), np.ones(len(piece))
    for axis, line, number in ((0, lines.lon, column), (1, lines.lat, row)):
        # Along a line the other one is never reached (infinite); 0 / 0 cannot be, as slack is counted twice here.
        with np.errstate(divide="ignore", over="ignore"):
            low = (line[number] - 2 * SLACK - begin[:, axis]) / way[:, axis]
            high = (line[number + 1] + 2 * SLACK - begin[:, axis]) / way[:, axis]
        enter, leave = np.maximum(enter, np.minimum(low, high)), np.minimum(leave, np.maximum(low, high))
    there = np.flatnonzero(enter <= leave)
    begin, way = begin[there], way[there]
    begin, end = begin + way * enter[there][:, None], begin + way * leave[there][:, None]
    return _Pieces(pieces.polygon[piece[there]], begin, end), (row * lines.columns + column)[there]


def _bands(begin: Floats, end: Floats, first: Ints) -> _Bands:
    """Give the strip of each group of pieces, which begin at `first`, along the way from the one end to the other."""
    along = np.add.reduceat(end - begin, first, axis=0)
    length = np.hypot(*along.T)
    across = np.stack([-along[:, 1], along[:, 0]]) / np.where(length > 0, length, 1.0)
    group = np.repeat(np.arange(len(first)), np.diff(first, append=len(begin)))
    lon, lat = across[0][group], across[1][group]
    ends = lon * begin[:, 0] + lat * begin[:, 1], lon * end[:, 0] + lat * end[:, 1]
    low = np.minimum.reduceat(np.minimum(*ends), first) - SLACK
    high = np.maximum.reduceat(np.maximum(*ends), first) + SLACK
    return _Bands(across[0], across[1], low, high)


def _proven(held: Any, lines: Lines, polygon: Ints, cell: Ints, bands: _Bands) -> Strips:
    """Ask each polygon for the two corners of the cell farthest off the strip.

    What is beyond the strip in a cell is convex and has no edge, so its corner tells for all of it.
    """
    lon, lat, low, high = bands
    row, column = np.divmod(cell, lines.columns)
    west, east, south, north = lines.lon[column], lines.lon[column + 1], lines.lat[row], lines.lat[row + 1]
    above = np.where(lon > 0, east, west), np.where(lat > 0, north, south)
    below = np.where(lon > 0, west, east), np.where(lat > 0, south, north)
    inside = (lon * above[0] + lat * above[1] > high) & shapely.intersects_xy(held, *above)
    outside = (lon * below[0] + lat * below[1] < low) & ~shapely.intersects_xy(held, *below)
    known = np.where(outside, low, -np.inf), np.where(inside, high, np.inf)
    return Strips(polygon, cell, np.stack([lon, lat, *known], axis=1))
