from __future__ import annotations

import json
from importlib import resources

import shapely

from deploy.communes.approximate import approximate_communes
from geo.shapes import shape_of
from geo.zones import ZoneIndex

FILE = resources.files("deploy.communes") / "dak-lak-approximate.geojson"


def test_all_communes_of_the_province_once() -> None:
    """The file has the 88 xã and 14 phường of Đắk Lắk, each marked approximate and with its source and licence."""
    zones = approximate_communes()
    assert len({zone.code for zone in zones}) == 102
    assert sum(zone.name.startswith("Phường ") for zone in zones) == 14
    assert all(zone.approximate for zone in zones)
    sources = {one["properties"]["source"] for one in json.loads(FILE.read_text("utf-8"))["features"]}
    assert all("vietnamadminunits" in source and "MIT License" in source for source in sources)


def test_communes_form_a_coverage() -> None:
    """No gap and no overlap lies between neighbours, and no shape needs a repair."""
    shapes = [shape_of(zone.geometry) for zone in approximate_communes()]
    assert not any(shape.repaired for shape in shapes)
    assert shapely.coverage_is_valid([shape.polygon for shape in shapes])
    whole = shapely.union_all([shape.polygon for shape in shapes])
    assert (whole.geom_type, len(whole.interiors)) == ("Polygon", 0)


def test_well_known_places_are_in_their_communes() -> None:
    """Buôn Ma Thuột, Tuy Hoà, Củng Sơn and Buôn Đôn are found in their communes; Nha Trang and the sea are outside."""
    places = ZoneIndex.build(approximate_communes()).locate(
        [108.0501, 109.2960, 108.9690, 107.7860, 109.1940, 109.80],
        [12.6797, 13.0880, 13.0430, 12.8950, 12.2450, 13.10],
    )
    assert places.commune == ["24133", "22015", "22165", "24235", None, None]


def test_the_file_is_small() -> None:
    """The file stays below 300 kB and its coordinates have at most five decimals."""
    text = FILE.read_text("utf-8")
    assert len(text.encode()) < 300_000
    numbers = [
        number
        for feature in json.loads(text)["features"]
        for ring in feature["geometry"]["coordinates"]
        for position in ring
        for number in position
    ]
    assert all(number == round(number, 5) for number in numbers)
