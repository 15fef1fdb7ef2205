from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import shapely

from geo.geojson import to_geojson, zones_from_geojson
from geo.shapes import shape_of
from schemas.errors import UsageError
from schemas.events import Zone

RING = [[108.0, 12.0], [108.1, 12.0], [108.1, 12.1], [108.0, 12.1], [108.0, 12.0]]


def feature(code: Any = "24133", name: Any = "Phường Buôn Ma Thuột", **more: Any) -> dict[str, Any]:
    geometry = {"type": "Polygon", "coordinates": [RING]}
    return {"type": "Feature", "properties": {"code": code, "fullName": name}, "geometry": geometry, **more}


def read(*features: Any, **more: Any) -> list[Zone]:
    document = {"type": "FeatureCollection", "features": list(features), **more.pop("document", {})}
    known: dict[str, Any] = {
        "kind": "commune",
        "valid_from": date(2025, 7, 1),
        "code_field": "code",
        "name_field": "fullName",
    }
    return zones_from_geojson(document, **(known | more))


def test_zones_from_features() -> None:
    """Each feature becomes a zone with id, code, NFC name, days and its own coordinates."""
    zone = read(feature(name=unicodedata.normalize("NFD", "Phường Buôn Ma Thuột")), approximate=True)[0]
    assert (zone.id, zone.code, zone.name) == ("commune:24133", "24133", "Phường Buôn Ma Thuột")
    assert (zone.valid_from, zone.valid_to, zone.approximate, zone.version) == (date(2025, 7, 1), None, True, 1)
    assert zone.geometry == {"type": "Polygon", "coordinates": [RING]}


def test_numbers_are_codes_too() -> None:
    """A code that the file has as a number is taken as text."""
    assert read(feature(code=24133))[0].code == "24133"


def test_a_shape_is_kept_repaired() -> None:
    """A shape that was not valid is stored as the valid one."""
    tie = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}
    assert not shape_of(read(feature(geometry=tie))[0].geometry).repaired


@pytest.mark.parametrize(
    ("features", "more", "message"),
    [
        ([], {}, "no features"),
        ([feature(), feature(code=None)], {}, r"feature 1, field 'code': .* code, fullName"),
        ([feature(name="  ")], {}, r"feature 0, field 'fullName'"),
        ([feature(name="x" * 201)], {}, "longer than 200"),
        ([feature(code=True)], {}, "feature 0, field 'code'"),
        ([feature()], {"code_field": "ma"}, "field 'ma'"),
        (["nothing"], {}, "feature 0, field 'code'"),
        ([feature(properties=None)], {}, "its properties are: none"),
        ([feature(), feature()], {}, "feature 1, field 'code': the code '24133' came before"),
        ([feature(geometry=None)], {}, "feature 0, field 'geometry': missing"),
        ([feature(geometry={"type": "Point", "coordinates": [1, 2]})], {}, "feature 0, field 'geometry': .*'Point'"),
        ([feature()], {"valid_to": date(2025, 7, 1)}, "is not after"),
        ([feature()], {"document": {"type": "Feature"}}, "no GeoJSON FeatureCollection"),
        ([feature()], {"document": {"crs": {"properties": {"name": "urn:ogc:def:crs:EPSG::9218"}}}}, "9218"),
    ],
)
def test_errors_name_feature_and_field(features: list[Any], more: dict[str, Any], message: str) -> None:
    """What is wrong with a file is told with the number of the feature and the field."""
    with pytest.raises(UsageError, match=message):
        read(*features, **more)


def test_wgs84_may_be_named() -> None:
    """The old crs member is accepted when it names WGS 84."""
    assert read(feature(), document={"crs": {"properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}})


def test_written_and_read_again(square: Callable[..., Zone]) -> None:
    """What is written without simplification is read back as the same shapes, and is plain JSON."""
    zones = [square("1", 108, 12), square("2", 109, 12)]
    document = json.loads(json.dumps(to_geojson(zones)))
    known: dict[str, Any] = {
        "kind": "commune",
        "valid_from": date(2025, 7, 1),
        "code_field": "code",
        "name_field": "name",
    }
    again = zones_from_geojson(document, **known)
    assert [zone.code for zone in again] == ["1", "2"]
    for zone, other in zip(zones, again, strict=True):
        assert shape_of(zone.geometry).polygon.equals(shape_of(other.geometry).polygon)
    assert document["features"][0]["properties"]["approximate"] is False


def zigzag(code: str, west: float, east: float, square: Callable[..., Zone]) -> Zone:
    """Give a zone one degree high whose east or west side, at longitude 0, is a zigzag of 100 steps."""
    side = [[0.01 * (i % 2), i / 100] for i in range(101)]
    ring = [*side, [west + east, 1], [west + east, 0], side[0]]
    return square(code, 0, 0, geometry={"type": "Polygon", "coordinates": [ring]})


def test_neighbours_are_simplified_together(square: Callable[..., Zone]) -> None:
    """Zones that share a zigzag edge lose its points and still share the edge: no gap, no overlap."""
    zones = [zigzag("1", -1, 0, square), zigzag("2", 0, 1, square)]
    shapes = [shapely.geometry.shape(one["geometry"]) for one in to_geojson(zones, 0.05)["features"]]
    assert sum(shapely.get_num_coordinates(shape) for shape in shapes) < 40
    assert shapely.coverage_is_valid(shapes)
    assert shapely.area(shapely.union_all(shapes)) == pytest.approx(sum(shape.area for shape in shapes))


def test_overlapping_zones_are_simplified_one_by_one(square: Callable[..., Zone]) -> None:
    """Zones that overlap are no coverage; each is simplified by itself and stays valid."""
    zones = [zigzag("1", -1, 0, square), square("2", -0.5, 0, kind="commune")]
    shapes = [shapely.geometry.shape(one["geometry"]) for one in to_geojson(zones, 0.05)["features"]]
    assert all(shape.is_valid for shape in shapes)
    assert shapely.get_num_coordinates(shapes[0]) < 40


@pytest.mark.parametrize("document", [[1, 2], "x", None, 5, {"type": "FeatureCollection", "features": {}}])
def test_whatever_json_a_file_has_is_answered_in_words(document: object) -> None:
    """A list of zones of another program is no GeoJSON, and no crash either."""
    with pytest.raises(UsageError, match="no GeoJSON FeatureCollection"):
        zones_from_geojson(document, kind="commune", valid_from=date(2025, 7, 1), code_field="c", name_field="n")


@pytest.mark.parametrize("kind", ["", " ", "a:b", "a b", "-x", "x" * 51])
def test_a_kind_is_a_word(kind: str) -> None:
    """It is the first part of every id: `:22015` could never be found again."""
    with pytest.raises(UsageError, match="is no word"):
        read(feature(), kind=kind)


@pytest.mark.parametrize("kind", ["commune", "unit_area", "flood-plain", "phường", "7"])
def test_kinds_of_ones_own_are_welcome(kind: str) -> None:
    """In any language."""
    assert read(feature(), kind=kind)[0].id == f"{kind}:24133"
