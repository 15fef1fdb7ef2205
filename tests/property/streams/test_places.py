"""Places as columns are, row for row, the places that the zone index gives, whatever was asked before."""

from __future__ import annotations

from datetime import UTC, date, datetime

from hypothesis import given
from hypothesis import strategies as st

from geo.zones import ZoneIndex
from schemas.events import Mark, ObservationBatch, Zone
from streams.places import PlaceTable

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


def batch(rows: list[tuple[tuple[float | None, float | None], bool]]) -> ObservationBatch:
    """Give a batch of observations at positions, some of them late."""
    n = len(rows)
    return ObservationBatch.of_columns(
        source=["s"] * n, device=["d"] * n, metric=["rain"] * n, observed_at=[AT] * n, received_at=[AT] * n,
        value=[1.0] * n, source_value=[None] * n, source_unit=[None] * n,
        lon=[lon for (lon, _), _ in rows], lat=[lat for (_, lat), _ in rows], commune=[None] * n,
        zone_ids=[[]] * n, marks=[[Mark.LATE.value] if late else [] for _, late in rows],
    )  # fmt: skip


@given(BATCHES)
def test_columns_of_places_are_those_of_the_index(
    runs: list[list[tuple[tuple[float | None, float | None], bool]]],
) -> None:
    """Whatever is in no zone, in several communes or nowhere; a mark of the row itself stays."""
    table = PlaceTable(INDEX)
    for rows in runs:
        found = table.located(batch(rows))
        asked = INDEX.locate([lon for (lon, _), _ in rows], [lat for (_, lat), _ in rows])
        late = [[Mark.LATE.value] if late else [] for _, late in rows]
        assert (found.commune, found.zone_ids) == (asked.commune, asked.zone_ids)
        assert found.marks == [sorted([*own, *more]) for own, more in zip(late, asked.marks, strict=True)]
