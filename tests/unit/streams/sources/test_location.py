"""One position out of any GeoJSON geometry, or a refusal."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.errors import PoisonMessageError
from streams.sources.location import point_of

SQUARE = [[108.0, 12.0], [108.2, 12.0], [108.2, 12.2], [108.0, 12.2], [108.0, 12.0]]


@pytest.mark.parametrize(
    ("kind", "coordinates", "x", "y"),
    [
        ("Point", [108.0, 12.0, 450.0], 108.0, 12.0),
        ("MultiPoint", [[108.0, 12.0], [0, 0]], 108.0, 12.0),
        ("LineString", [[108.0, 12.0], [108.1, 12.0], [108.1, 12.3]], 108.1, 12.1),
        ("Polygon", [SQUARE], 108.1, 12.1),
        ("MultiPolygon", [[SQUARE]], 108.1, 12.1),
        ("Polygon", [[[108.0, 12.0], [108.2, 12.0], [108.0, 12.0]]], 108.2, 12.0),
    ],
)
def test_point(kind: str, coordinates: list[Any], x: float, y: float) -> None:
    """A point is itself, a line is half way along, an area is its centroid; of several parts the first counts."""
    found = point_of({"type": kind, "coordinates": coordinates})
    assert found is not None
    assert found[0] == pytest.approx(x)
    assert found[1] == pytest.approx(y)


def test_no_geometry_is_no_point() -> None:
    """A missing location is no defect."""
    assert point_of(None) is None


@pytest.mark.parametrize(
    "geometry",
    [
        "108, 12",
        {"type": ["Point"], "coordinates": [108, 12]},
        {"type": "Circle", "coordinates": [108, 12]},
        {"type": "Point", "coordinates": [108]},
        {"type": "Point", "coordinates": ["108", "12"]},
        {"type": "LineString", "coordinates": [[108, 12]]},
        {"type": "Polygon", "coordinates": []},
        {"type": "MultiPolygon"},
    ],
)
def test_refused(geometry: object) -> None:
    """What is no geometry with a place is refused as bad_position, never a crash."""
    with pytest.raises(PoisonMessageError) as caught:
        point_of(geometry)
    assert caught.value.reason == "bad_position"
