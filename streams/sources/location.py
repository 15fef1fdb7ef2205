"""Takes one position out of a GeoJSON geometry: the point, the middle of a line, the centre of an area."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

from schemas.errors import PoisonMessageError
from schemas.events.dead_letter import Reason
from streams.sources.checks import number

Point = tuple[float, float]
_KINDS = frozenset({"Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"})


def point_of(geometry: Any) -> Point | None:
    """Give x, y of a GeoJSON geometry, None when there is none; raises PoisonMessageError (bad_position).

    Of several parts the first counts: one event is at one place.
    """
    if geometry is None:
        return None
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if not isinstance(kind, str) or kind not in _KINDS:
        raise _bad(f"location of type {str(kind)[:40]!r} is no GeoJSON geometry that has a place")
    coordinates = geometry.get("coordinates")
    if kind in ("MultiPoint", "MultiLineString", "MultiPolygon"):
        coordinates, kind = _first(coordinates), kind.removeprefix("Multi")
    if kind == "Point":
        return _point(coordinates)
    if kind == "LineString":
        return _middle(_line(coordinates))
    return _centre(_line(_first(coordinates)))


def _bad(message: str) -> PoisonMessageError:
    return PoisonMessageError(Reason.BAD_POSITION, message, field="location")


def _first(coordinates: Any) -> Any:
    if not isinstance(coordinates, list) or not coordinates:
        raise _bad("location has no coordinates")
    return coordinates[0]


def _point(coordinates: Any) -> Point:
    if not isinstance(coordinates, list) or len(coordinates) < 2:
        raise _bad("a position is [lon, lat]")
    try:
        return number(coordinates[0], "location"), number(coordinates[1], "location")
    except PoisonMessageError as error:
        raise _bad(str(error)) from error


def _line(coordinates: Any) -> list[Point]:
    if not isinstance(coordinates, list) or len(coordinates) < 2:
        raise _bad("a line has two or more positions")
    return [_point(position) for position in coordinates]


def _middle(line: list[Point]) -> Point:
    """Give the point half way along the line, so that it lies on the road and not beside it."""
    lengths = [math.dist(a, b) for a, b in pairwise(line)]
    rest = sum(lengths) / 2
    for (a, b), length in zip(pairwise(line), lengths, strict=True):
        if length > 0 and rest <= length:
            share = rest / length
            return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share
        rest -= length
    return line[-1]


def _centre(ring: list[Point]) -> Point:
    """Give the centroid of the outer ring; corners are taken from the first one so that no digits are lost."""
    x0, y0 = ring[0]
    area = x = y = 0.0
    for (ax, ay), (bx, by) in pairwise([*ring, ring[0]]):
        cross = (ax - x0) * (by - y0) - (bx - x0) * (ay - y0)
        area += cross
        x += (ax + bx - 2 * x0) * cross
        y += (ay + by - 2 * y0) * cross
    if area == 0 or not math.isfinite(area):
        return _middle(ring)
    return x0 + x / (3 * area), y0 + y / (3 * area)
