from __future__ import annotations

from typing import Any

import pytest
import shapely

import geo.shapes
from geo.shapes import shape_of
from schemas.errors import UsageError


def polygon(*rings: list[Any]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


UNIT = [[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]


def test_a_sound_shape_is_kept() -> None:
    """A valid polygon with a hole keeps its area and is not called repaired."""
    hole = [[0.25, 0.25], [0.25, 0.75], [0.75, 0.75], [0.75, 0.25], [0.25, 0.25]]
    shape = shape_of(polygon(UNIT, hole))
    assert (shape.polygon.area, shape.repaired) == (0.75, False)


def test_parts_stay_together() -> None:
    """A MultiPolygon keeps all its parts."""
    far = [[x + 5, y] for x, y in UNIT]
    shape = shape_of({"type": "MultiPolygon", "coordinates": [[UNIT], [far]]})
    assert (shape.polygon.geom_type, shape.polygon.area) == ("MultiPolygon", 2.0)


def test_heights_are_dropped() -> None:
    """Positions with a third number are read as lon, lat."""
    assert not shape_of(polygon([[x, y, 420.0] for x, y in UNIT])).polygon.has_z


def test_an_open_ring_is_closed() -> None:
    """A ring whose last position does not repeat the first is closed."""
    assert shape_of(polygon(UNIT[:-1])).polygon.equals(shapely.box(0, 0, 1, 1))


def test_a_bow_tie_is_repaired() -> None:
    """A ring that crosses itself becomes its two triangles, and the shape says that it was repaired."""
    shape = shape_of(polygon([[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]))
    assert shape.repaired
    assert (shape.polygon.geom_type, shape.polygon.area) == ("MultiPolygon", 0.5)


def test_only_polygons_survive_a_repair() -> None:
    """A spike without area falls off; the rest is a plain polygon."""
    shape = shape_of(polygon([[0, 0], [1, 0], [1, 1], [1, 3], [1, 1], [0, 1], [0, 0]]))
    assert (shape.polygon.geom_type, shape.polygon.area, shape.repaired) == ("Polygon", 1.0, True)


def test_overlapping_parts_are_joined() -> None:
    """Parts of a MultiPolygon that overlap count once."""
    moved = [[x + 0.5, y] for x, y in UNIT]
    shape = shape_of({"type": "MultiPolygon", "coordinates": [[UNIT], [moved]]})
    assert (shape.polygon.area, shape.repaired) == (1.5, True)


@pytest.mark.parametrize(
    ("geometry", "message"),
    [
        ({"type": "Point", "coordinates": [0, 0]}, "'Point'"),
        ({}, "None"),
        (polygon(), "empty"),
        ({"type": "MultiPolygon", "coordinates": []}, "empty"),
        ({"type": "Polygon", "coordinates": "round"}, "no list of rings"),
        (polygon([]), "three different points"),
        (polygon([[0, 0], [1, 1], [0, 0]]), "three different points"),
        (polygon([[0, 0], [1, 1], ["east", 0]]), "no list of"),
        (polygon([[0], [1], [2]]), "no list of"),
        (polygon([[0, 0], [1, 1], [2, 2], [0, 0]]), "no area"),
        (polygon([[0, 0], [float("nan"), 1], [1, 1], [0, 0]]), "outside"),
        (polygon([[0, 0], [1, 0], [1, 91], [0, 0]]), "outside"),
        (polygon([[450000, 1400000], [450001, 1400000], [450001, 1400001]]), "outside"),
        (polygon([[170, 0], [-170, 0], [-170, 5], [170, 5], [170, 0]]), "antimeridian"),
    ],
)
def test_unusable_shapes_are_refused(geometry: dict[str, Any], message: str) -> None:
    """Each kind of unusable geometry is refused with a sentence that names its problem."""
    with pytest.raises(UsageError, match=message):
        shape_of(geometry)


def test_the_whole_world_is_a_shape() -> None:
    """A box from -180 to 180 spans the world and does not cross the antimeridian."""
    world = [[-180, -90], [180, -90], [180, 90], [-180, 90], [-180, -90]]
    assert shape_of(polygon(world)).polygon.area == 360 * 180


def test_too_many_vertices_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shape above the limit of vertices is refused before it is built."""
    monkeypatch.setattr(geo.shapes, "MAX_VERTICES", 4)
    with pytest.raises(UsageError, match="more than 4 vertices"):
        shape_of(polygon(UNIT))
