from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.shapes import shape_of
from geo.zones import Places, ZoneIndex
from schemas.events import Zone

#: A coarse grid: corners, edges and positions then meet exactly, where the hard cases are.
GRID = st.integers(-8, 8).map(lambda step: step / 4)
ANYWHERE = st.one_of(GRID, st.floats(-3, 3), st.floats(allow_nan=True, allow_infinity=True), st.none())
POSITIONS = st.lists(st.tuples(ANYWHERE, ANYWHERE), max_size=40)
Position = tuple[float | None, float | None]


def ring(west: float, south: float, width: float, height: float) -> list[list[float]]:
    east, north = west + width, south + height
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


@st.composite
def geometries(draw: st.DrawFn) -> dict[str, Any]:
    """Give one or two boxes, apart or overlapping, each with a hole or without."""
    polygons = []
    for _ in range(draw(st.integers(1, 2))):
        west, south = draw(GRID), draw(GRID)
        hole = [ring(west + 0.25, south + 0.25, 0.25, 0.25)] if draw(st.booleans()) else []
        polygons.append([ring(west, south, draw(st.integers(3, 8)) / 4, draw(st.integers(3, 8)) / 4), *hole])
    return {"type": "MultiPolygon", "coordinates": polygons}


@st.composite
def zone_lists(draw: st.DrawFn) -> list[Zone]:
    """Give up to eight zones, communes and others, that may overlap and share edges."""
    kinds = draw(st.lists(st.sampled_from(["commune", "area"]), max_size=8))
    return [
        Zone(
            id=f"{kind}:{number}",
            kind=kind,
            code=str(number),
            name="x",
            geometry=draw(geometries()),
            valid_from=date(2025, 7, 1),
        )
        for number, kind in enumerate(kinds)
    ]


def locate(index: ZoneIndex, positions: list[Position]) -> Places:
    return index.locate([lon for lon, _ in positions], [lat for _, lat in positions])


def brute(zones: list[Zone], position: Position) -> tuple[str | None, list[str], list[str]]:
    """Give the place by asking every zone, without index or preparation."""
    lon, lat = position
    if lon is None or lat is None or not np.isfinite([lon, lat]).all():
        return None, [], ["no_place"]
    holders = [zone for zone in zones if shape_of(zone.geometry).polygon.covers(shapely.Point(lon, lat))]
    communes = sorted(zone.code for zone in holders if zone.kind == "commune")
    others = [zone.id for zone in holders if zone.kind != "commune"]
    if not communes:
        return None, sorted(others), ["outside"]
    marks = ["boundary_ambiguous"] if len(communes) > 1 else []
    return communes[0], sorted([*others, f"commune:{communes[0]}"]), marks


@given(zone_lists(), POSITIONS)
def test_locate_agrees_with_asking_every_zone(zones: list[Zone], positions: list[Position]) -> None:
    """The index gives what a brute-force search gives, for edges, holes, overlaps, NaN and infinity."""
    places = locate(ZoneIndex.build(zones), positions)
    assert list(zip(*places, strict=True)) == [brute(zones, position) for position in positions]


@given(zone_lists(), POSITIONS, st.randoms(use_true_random=False))
def test_order_of_zones_does_not_matter(zones: list[Zone], positions: list[Position], random: Any) -> None:
    """However the zones are listed, the answers are the same."""
    shuffled = random.sample(zones, len(zones))
    assert locate(ZoneIndex.build(zones), positions) == locate(ZoneIndex.build(shuffled), positions)


@given(zone_lists(), POSITIONS)
def test_a_batch_is_as_good_as_one_by_one(zones: list[Zone], positions: list[Position]) -> None:
    """A batch gives what single positions give."""
    index = ZoneIndex.build(zones)
    wanted = [[column[0] for column in locate(index, [position])] for position in positions]
    assert [list(row) for row in zip(*locate(index, positions), strict=True)] == wanted


@given(st.integers(2, 6), st.integers(2, 6), st.randoms(use_true_random=False))
def test_shared_edges_of_a_coverage_have_one_owner(columns: int, rows: int, random: Any) -> None:
    """In a grid of communes with jagged shared edges, each corner and edge point is in the lowest of its owners."""
    corners = {
        (x, y): (x + random.uniform(-0.3, 0.3), y + random.uniform(-0.3, 0.3))
        for x in range(columns + 1)
        for y in range(rows + 1)
    }
    owners: dict[tuple[float, float], set[str]] = {}
    zones = []
    for number, (x, y) in enumerate((x, y) for x in range(columns) for y in range(rows)):
        line = [corners[x + i, y + j] for i, j in [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]]
        geometry = {"type": "Polygon", "coordinates": [[list(corner) for corner in line]]}
        code = f"{number:02}"
        zones.append(
            Zone(id=f"commune:{code}", kind="commune", code=code, name="x", geometry=geometry, valid_from=date.min)
        )
        for corner in line:
            owners.setdefault(corner, set()).add(code)
    places = locate(ZoneIndex.build(zones), list(owners))
    assert places.commune == [min(codes) for codes in owners.values()]
    assert [bool(marks) for marks in places.marks] == [len(codes) > 1 for codes in owners.values()]


@settings(max_examples=50)
@given(zone_lists(), st.lists(st.tuples(st.floats(-180, 180), st.floats(-90, 90)), max_size=10))
def test_nearest_is_the_least_distance(zones: list[Zone], positions: list[tuple[float, float]]) -> None:
    """The nearest zone anywhere on earth is the one with the least distance_m of its kind."""
    index = ZoneIndex.build(zones)
    for lon, lat in positions:
        near = index.nearest(lon, lat, "area")
        least = min((index.distance_m(zone.id, lon, lat) for zone in index.with_kind("area")), default=None)
        assert (near and near.distance_m) == least
