from __future__ import annotations

from collections.abc import Callable
from datetime import date
from itertools import permutations
from math import inf, isnan, nan

import pytest
from pyproj import Geod

import geo.zones
from geo.cover import MARKS
from geo.zones import Places, ZoneIndex
from schemas.errors import UsageError
from schemas.events import Zone

MakeZone = Callable[..., Zone]
JULY = date(2025, 7, 1)


def at(index: ZoneIndex, *positions: tuple[float | None, float | None]) -> Places:
    return index.locate([lon for lon, _ in positions], [lat for _, lat in positions])


def test_commune_zone_ids_and_marks(square: MakeZone) -> None:
    """A place has its commune's code, all its zones sorted, and no mark when nothing is odd."""
    index = ZoneIndex.build([square("2", 0, 0), square("flood", 0.5, 0.5, kind="area"), square("a", 0, 0, kind="area")])
    places = at(index, (0.75, 0.75), (0.25, 0.25))
    assert places.commune == ["2", "2"]
    assert places.zone_ids == [["area:a", "area:flood", "commune:2"], ["area:a", "commune:2"]]
    assert places.marks == [[], []]


def test_a_shared_edge_goes_to_the_lowest_code(square: MakeZone) -> None:
    """On the edge of two communes, and at the corner of four, the lowest code wins and the place is marked."""
    communes = [square("4", 1, 1), square("3", 0, 1), square("2", 1, 0), square("1", 0, 0)]
    places = at(ZoneIndex.build(communes), (1.0, 0.5), (1.5, 1.0), (1.0, 1.0))
    assert places.commune == ["1", "2", "1"]
    assert places.marks == [["boundary_ambiguous"]] * 3
    assert places.zone_ids == [["commune:1"], ["commune:2"], ["commune:1"]]


def test_an_outer_edge_belongs_to_its_commune(square: MakeZone) -> None:
    """A place on an edge with nobody on the other side is inside and not ambiguous."""
    places = at(ZoneIndex.build([square("1", 0, 0)]), (0.0, 0.5))
    assert (places.commune, places.marks) == (["1"], [[]])


def test_outside_all_communes_keeps_other_zones(square: MakeZone) -> None:
    """Outside all communes the place is marked, and zones of other kinds that hold it still count."""
    index = ZoneIndex.build([square("1", 0, 0), square("sea", 5, 5, kind="area")])
    assert at(index, (5.5, 5.5), (9, 9)) == Places([None, None], [["area:sea"], []], [["outside"], ["outside"]])


@pytest.mark.parametrize("position", [(nan, 1.0), (0.5, nan), (None, None), (inf, 0.5), (0.5, -inf)])
def test_no_position_is_no_place(square: MakeZone, position: tuple[float | None, float | None]) -> None:
    """None, NaN and infinite positions are no place, and rows beside them are located as ever."""
    places = at(ZoneIndex.build([square("1", 0, 0)]), position, (0.5, 0.5))
    assert places == Places([None, "1"], [[], ["commune:1"]], [["no_place"], []])


def test_poles_and_antimeridian_are_ordinary_places(square: MakeZone) -> None:
    """Positions at the ends of the world are located against zones that reach there."""
    index = ZoneIndex.build([square("n", 170, 80, 10), square("w", -180, -5, 10)])
    assert at(index, (180, 90), (-180, 0), (0, 90), (180, 0)).commune == ["n", "w", None, None]


def test_empty_index_and_empty_batch(square: MakeZone) -> None:
    """Without zones everything is outside; without positions the answer is empty."""
    assert at(ZoneIndex.build([]), (1, 1)) == Places([None], [[]], [["outside"]])
    assert at(ZoneIndex.build([square("1", 0, 0)])) == Places([], [], [])


def test_holes_belong_to_nobody(square: MakeZone) -> None:
    """A place in the hole of a commune is outside, one on the hole's edge is inside."""
    ring = square("1", 0, 0).geometry["coordinates"][0]
    hole = [[0.25, 0.25], [0.25, 0.75], [0.75, 0.75], [0.75, 0.25], [0.25, 0.25]]
    index = ZoneIndex.build([square("1", 0, 0, geometry={"type": "Polygon", "coordinates": [ring, hole]})])
    assert at(index, (0.5, 0.5), (0.25, 0.5), (0.1, 0.1)).commune == [None, "1", "1"]


def test_zones_of_the_day(square: MakeZone) -> None:
    """valid_from is inclusive, valid_to exclusive; without a day all zones count."""
    old = square("old", 0, 0, valid_from=date(2020, 1, 1), valid_to=JULY)
    new = square("new", 0, 0)
    for day, communes in [(date(2025, 6, 30), ["old"]), (JULY, ["new"]), (date(2019, 1, 1), [None]), (None, ["new"])]:
        assert at(ZoneIndex.build([old, new], day), (0.5, 0.5)).commune == communes


def test_the_newest_version_counts(square: MakeZone) -> None:
    """Of zones with one id the newest first day and version is used, in whatever order they come."""
    versions = [square("1", 0, 0, version=1), square("1", 5, 5, version=2)]
    for zones in (versions, versions[::-1]):
        assert at(ZoneIndex.build(zones), (0.5, 0.5), (5.5, 5.5)).commune == [None, "1"]


def test_two_shapes_of_one_version_are_refused(square: MakeZone) -> None:
    """Two different shapes of one id, day and version would depend on their order, so they are refused."""
    twins = [square("1", 0, 0, version=2), square("1", 5, 5, version=2), square("1", 7, 7)]
    for zones in permutations(twins):
        with pytest.raises(UsageError, match="commune:1"):
            ZoneIndex.build(zones)


def test_a_bad_shape_is_refused_with_its_zone(square: MakeZone) -> None:
    """The refusal of a shape names the zone."""
    with pytest.raises(UsageError, match=r"zone commune:7: .*'Point'"):
        ZoneIndex.build([square("7", 0, 0, geometry={"type": "Point", "coordinates": [0, 0]})])


def test_repaired_zones_are_named(square: MakeZone) -> None:
    """The index tells which zones it had to repair."""
    tie = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}
    assert ZoneIndex.build([square("1", 5, 5), square("2", 0, 0, geometry=tie)]).repaired == ("commune:2",)


def test_too_many_vertices_together_are_refused(square: MakeZone, monkeypatch: pytest.MonkeyPatch) -> None:
    """An index above the limit of vertices is refused."""
    monkeypatch.setattr(geo.zones, "MAX_INDEX_VERTICES", 9)
    with pytest.raises(UsageError, match="more than 9 vertices"):
        ZoneIndex.build([square("1", 0, 0), square("2", 1, 0)])


def test_get_and_with_kind(square: MakeZone) -> None:
    """Zones are found by id and listed by kind in the order of their codes."""
    first, second, area = square("1", 0, 0), square("2", 1, 0), square("x", 0, 0, kind="area")
    index = ZoneIndex.build([area, second, first])
    assert (index.get("commune:2"), index.get("commune:9"), len(index)) == (second, None, 3)
    assert (index.with_kind("commune"), index.with_kind("area"), index.with_kind("road")) == (
        [first, second],
        [area],
        [],
    )


def test_distance_to_a_zone(square: MakeZone) -> None:
    """Metres to a zone are 0 inside, agree with the geodesic outside, are NaN for no place."""
    index = ZoneIndex.build([square("1", 108, 12)])
    geodesic = Geod(ellps="WGS84").inv(107.9, 12.0, 108.0, 12.0)[2]
    assert index.distance_m("commune:1", 108.5, 12.5) == 0
    assert index.distance_m("commune:1", 107.9, 12.0) == pytest.approx(geodesic, rel=1e-5)
    assert isnan(index.distance_m("commune:1", nan, 12.0))
    with pytest.raises(KeyError):
        index.distance_m("commune:2", 108.5, 12.5)


def test_distance_to_the_edge_from_both_sides(square: MakeZone) -> None:
    """Metres to the edge count from inside as well as from outside."""
    index = ZoneIndex.build([square("1", 108, 12)])
    assert index.edge_m("commune:1", 108.01, 12.5) == pytest.approx(index.edge_m("commune:1", 107.99, 12.5), rel=1e-3)
    assert index.edge_m("commune:1", 108.0, 12.5) == pytest.approx(0, abs=0.6)  # an edge of 1 degree bends by that


def test_nearest_measures_metres_not_degrees(square: MakeZone) -> None:
    """At 60 degrees north a zone 0.15 degrees east is nearer than one 0.1 degrees north."""
    index = ZoneIndex.build([square("north", 10.0, 60.1, 0.01), square("east", 10.15, 60.0, 0.01)])
    near = index.nearest(10.0, 60.0, "commune")
    assert near is not None
    assert near.zone.code == "east"
    assert near.distance_m == pytest.approx(Geod(ellps="WGS84").inv(10, 60, 10.15, 60)[2], rel=1e-4)


def test_nearest_of_a_kind(square: MakeZone) -> None:
    """Only the asked kind counts, ties go to the lowest code, nothing is near to no place."""
    index = ZoneIndex.build([square("2", 0, 0), square("1", 0, 0), square("x", 9, 9, kind="area")])
    commune, area = index.nearest(0.5, 0.5, "commune"), index.nearest(0.5, 0.5, "area")
    assert commune is not None
    assert area is not None
    assert (commune.zone.code, commune.distance_m, area.zone.code) == ("1", 0.0, "x")
    assert index.nearest(0.5, 0.5, "road") is None
    assert index.nearest(nan, 0.5, "commune") is None
    assert index.nearest(0.0, 90.0, "commune") is not None


def test_numbers_of_zones_are_those_of_their_names(square: MakeZone) -> None:
    """Cover numbers what locate names; a commune that is not counted is left out, and no commune is the end."""
    index = ZoneIndex.build([square("2", 1, 0), square("1", 0, 0), square("a", 0, 0, 3, kind="area")])
    cover = index.cover([1.0, 2.5, None], [0.5, 0.5, 0.5])
    assert [index.zones[number].id for number in cover.zones] == ["area:a", "commune:1", "area:a"]
    assert cover.counts.tolist() == [2, 1, 0]
    assert cover.commune.tolist() == [1, 3, 3]
    assert [MARKS[mark] for mark in cover.mark] == ["boundary_ambiguous", "outside", "no_place"]


def test_a_latitude_next_to_nothing_is_a_distance_without_a_warning() -> None:
    """GEOS divides by a length that is too small for it; the distance is right all the same."""
    rings = [[(2.0, 2.0), (0.0, 1.0), (1.0, 0.0), (2.0, 0.0), (2.0, 2.0)]]
    shape = {"type": "Polygon", "coordinates": rings}
    zone = Zone(id="area:1", kind="area", code="1", name="x", geometry=shape, valid_from=date.min)
    index = ZoneIndex.build([zone])
    assert index.edge_m(zone.id, -180.0, 1e-170) == pytest.approx(index.edge_m(zone.id, -180.0, 0.0))
