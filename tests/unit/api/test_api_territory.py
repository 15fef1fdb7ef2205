"""Of which communes a unit is."""

from __future__ import annotations

from datetime import date

import pytest

from api.territory import communes_of
from geo.zones import ZoneIndex
from schemas.events import Unit, Zone

DAY = date(2025, 7, 1)


def _square(kind: str, code: str, west: float, parent: str | None = None) -> Zone:
    edge = [[west, 13], [west + 1, 13], [west + 1, 14], [west, 14], [west, 13]]
    geometry = {"type": "Polygon", "coordinates": [edge]}
    return Zone(id=f"{kind}:{code}", kind=kind, code=code, name=code, geometry=geometry, valid_from=DAY, parent=parent)


ZONES = ZoneIndex.build(
    [
        _square("commune", "1", 108),
        _square("commune", "2", 109),
        _square("beat", "b", 108, parent="commune:1"),
        _square("beat", "c", 108),
    ]
)


@pytest.mark.parametrize(
    ("home", "lon", "found"),
    [
        (None, None, set()),
        (None, 108.5, {"1"}),
        (None, 100.0, set()),
        ("commune:2", 108.5, {"1", "2"}),
        ("commune:2", None, {"2"}),
        ("beat:b", 109.5, {"1", "2"}),
        ("beat:c", None, set()),
        ("commune:9", None, set()),
    ],
)
def test_a_unit_is_where_it_is_and_where_it_belongs(home: str | None, lon: float | None, found: set[str]) -> None:
    """Its position counts, and its home zone when that is a commune or a part of one."""
    unit = Unit(id="u", name="u", kind="car", agency="a", home_zone=home, lon=lon, lat=None if lon is None else 13.5)
    assert communes_of([unit], ZONES) == {"u": found}


def test_no_units_are_nowhere() -> None:
    """An empty list is no mistake."""
    assert communes_of([], ZONES) == {}
