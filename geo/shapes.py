"""Turns GeoJSON geometry into sound polygons: reads what a zone carries, gives a valid Shapely polygon or refuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from schemas.errors import UsageError

#: Most vertices of one zone. The communes of Đắk Lắk, as published in 2025, have 4,000 on average.
MAX_VERTICES = 200_000

_CUT = "cut it in two at longitude 180 (RFC 7946 section 3.1.9)"


class Shape(NamedTuple):
    """A valid Polygon or MultiPolygon in degrees (lon, lat, WGS 84); `repaired` when it was not valid as given."""

    polygon: Any  # shapely has no types in this release
    repaired: bool


def shape_of(geometry: Mapping[str, Any]) -> Shape:
    """Give the polygon of a GeoJSON Polygon or MultiPolygon.

    By rule: heights are dropped; an open ring is closed; an invalid shape is repaired (`make_valid`, structure method)
    and only its polygons are kept. Refused with a UsageError that names the problem: other geometry types, empty
    shapes, rings of less than three different points, numbers that are no position, an edge across the antimeridian,
    more than `MAX_VERTICES` vertices.
    """
    rings = [[_ring(ring) for ring in polygon] for polygon in _polygons(geometry)]
    if sum(len(ring) for polygon in rings for ring in polygon) > MAX_VERTICES:
        raise UsageError(f"more than {MAX_VERTICES} vertices: simplify the shape first")
    parts = [shapely.polygons(polygon[0], polygon[1:] or None) for polygon in rings if polygon]
    if not parts:
        raise UsageError("the shape is empty")
    whole = parts[0] if len(parts) == 1 else shapely.multipolygons(parts)
    if shapely.is_valid(whole):
        return Shape(whole, repaired=False)
    return Shape(_repaired(whole), repaired=True)


def _polygons(geometry: Mapping[str, Any]) -> Sequence[Any]:
    """Give the polygons of the geometry, each a list of rings."""
    kind, coordinates = geometry.get("type"), geometry.get("coordinates")
    if kind not in {"Polygon", "MultiPolygon"}:
        raise UsageError(f"the type is {kind!r}: a zone is a Polygon or a MultiPolygon")
    polygons = [coordinates] if kind == "Polygon" else coordinates
    if not isinstance(polygons, list | tuple) or not all(isinstance(rings, list | tuple) for rings in polygons):
        raise UsageError("the coordinates are no list of rings")
    return polygons


def _ring(points: Any) -> npt.NDArray[np.float64]:
    """Give a ring as closed (n, 2) array of lon, lat."""
    try:
        ring = np.array([(point[0], point[1]) for point in points], dtype=np.float64).reshape(-1, 2)
    except (TypeError, ValueError, IndexError, KeyError) as error:
        raise UsageError("a ring is no list of [lon, lat] positions") from error
    others = ring[(ring != ring[:1]).any(axis=1)]  # np.unique by rows takes 28 µs a ring more
    if not (others != others[:1]).any():
        raise UsageError("a ring has less than three different points")
    if not (np.isfinite(ring).all() and (np.abs(ring) <= (180.0, 90.0)).all()):
        raise UsageError("a position is outside lon [-180, 180], lat [-90, 90] (the order is lon, lat; WGS 84)")
    closed = ring if (ring[0] == ring[-1]).all() else np.vstack([ring, ring[:1]])
    _refuse_antimeridian(closed[:, 0])
    return closed


def _refuse_antimeridian(lon: npt.NDArray[np.float64]) -> None:
    """Refuse an edge that is longer than half the world, unless it plainly spans all of it (-180 to 180)."""
    ends = np.abs(lon)
    spans_all = (ends[:-1] == 180.0) & (ends[1:] == 180.0)
    if (np.abs(np.diff(lon))[~spans_all] > 180.0).any():
        raise UsageError(f"an edge crosses the antimeridian: {_CUT}")


def _repaired(shape: Any) -> Any:
    """Give the polygons of a shape made valid; lines and points that fall out are dropped."""
    valid = shapely.make_valid(shape, method="structure", keep_collapsed=False)
    kept = [part for part in _flat(valid) if part.geom_type == "Polygon" and not part.is_empty]
    if not kept:
        raise UsageError("the shape has no area")
    return kept[0] if len(kept) == 1 else shapely.multipolygons(kept)


def _flat(shape: Any) -> Iterator[Any]:
    """Give the single parts of a shape, however deep its collections are."""
    for part in shapely.get_parts(shape):
        if part.geom_type in {"GeometryCollection", "MultiPolygon"}:
            yield from _flat(part)
        else:
            yield part
