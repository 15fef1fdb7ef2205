"""Places as columns are, row for row, the places that the zone index gives, whatever was asked before."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.zones import ZoneIndex
from schemas.events import Mark, ObservationBatch, Zone
from streams import places
from streams.places import PlaceTable

Row = tuple[tuple[float | None, float | None], bool]

AT = datetime(2025, 11, 19, tzinfo=UTC)
#: Corners, edges, insides and outsides of the zones below, NaN's stand-in, and half a position.
DEGREES = st.sampled_from([None, 107.5, 108.0, 108.5, 109.0, 109.5, 110.0, 111.0])
POSITIONS = st.tuples(DEGREES, DEGREES.map(lambda lon: None if lon is None else lon - 96))
BATCHES = st.lists(st.lists(st.tuples(POSITIONS, st.booleans()), min_size=1, max_size=12), min_size=1, max_size=4)


def square(kind: str, code: str, west: float, size: float) -> Zone:
    """Give a zone with its south-west corner on a diagonal."""
    south, east, north = west - 96, west + size, west - 96 + size
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return Zone(
        id=f"{kind}:{code}", kind=kind, code=code, name=code, valid_from=date(2025, 7, 1),
        geometry={"type": "Polygon", "coordinates": [ring]},
    )  # fmt: skip


INDEX = ZoneIndex.build([square("commune", "1", 108, 1), square("commune", "2", 109, 1), square("area", "x", 108.5, 2)])


def batch(rows: list[Row]) -> ObservationBatch:
    """Give a batch of observations at positions, some of them late."""
    n = len(rows)
    return ObservationBatch.of_columns(
        source=["s"] * n, device=["d"] * n, metric=["rain"] * n, observed_at=[AT] * n, received_at=[AT] * n,
        value=[1.0] * n, source_value=[None] * n, source_unit=[None] * n,
        lon=[lon for (lon, _), _ in rows], lat=[lat for (_, lat), _ in rows], commune=[None] * n,
        zone_ids=[[]] * n, marks=[[Mark.LATE.value] if late else [] for _, late in rows],
    )  # fmt: skip


@given(BATCHES, st.integers(0, 12))
def test_columns_of_places_are_those_of_the_index(runs: list[list[Row]], remember: int) -> None:
    """In no zone, in several communes or nowhere, remembered or not; a mark of the row itself stays."""
    table = PlaceTable(INDEX, remember=remember)
    for rows in runs:
        found = table.located(batch(rows))
        asked = INDEX.locate([lon for (lon, _), _ in rows], [lat for (_, lat), _ in rows])
        late = [[Mark.LATE.value] if late else [] for _, late in rows]
        assert (found.commune, found.zone_ids) == (asked.commune, asked.zone_ids)
        assert found.marks == [sorted([*own, *more]) for own, more in zip(late, asked.marks, strict=True)]
        assert len(table) <= max(remember, *map(len, runs))


@pytest.mark.parametrize("names", [1_000, 10])
def test_places_learned_one_by_one_stay_known(names: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """More places than the table has chunks, or names for, are asked for twice, each by itself and then all at once."""
    monkeypatch.setattr(places, "MAX_NAMES", names)
    table = PlaceTable(INDEX)
    rows: list[Row] = [((108 + step / 100, 12.5), False) for step in range(2 * places.CHUNKS)]
    for _ in range(2):
        for row in rows:
            table.located(batch([row]))
    assert (len(table) < len(rows)) == (names == 10)
    asked = INDEX.locate([lon for (lon, _), _ in rows], [lat for (_, lat), _ in rows])
    assert table.located(batch(rows)).zone_ids == asked.zone_ids
    assert len(table) == len(rows)


def test_what_is_no_place_is_not_remembered() -> None:
    """A sensor without a position never fills the table, however often it sends."""
    table = PlaceTable(INDEX)
    for _ in range(3):
        table.located(batch([((None, 12.0), False), ((108.5, None), False)]))
    assert len(table) == 0
