from __future__ import annotations

from datetime import UTC, datetime

from schemas.events import Detection, Observation, ObservationBatch, Position
from schemas.store.content import clashing_rows, event_content, observation_content, sort_observations, storable

T = datetime(2026, 3, 1, tzinfo=UTC)


def row(device: str, value: float = 1.0) -> Observation:
    return Observation(
        id="", source="s", device=device, metric="rain", value=value, observed_at=T, received_at=T, source_unit="mm"
    )


def test_rows_are_sorted_and_the_first_twin_stands() -> None:
    """Order follows the identity; a row that differs from the first of its key is a clash, an equal one is not."""
    order = sort_observations(ObservationBatch.of([row("b"), row("a"), row("b", 2.0), row("a")]))
    assert list(order.rows.values()) == [1, 0]
    assert order.clashes == [2]


def test_what_is_stored_decides_who_clashes() -> None:
    """When the first row of a key differs from the stored one, a later row that equals the stored one is good."""
    batch = ObservationBatch.of([row("a", 2.0), row("a", 1.0), row("a", 3.0)])
    order = sort_observations(batch)
    key = ("a", "rain", T)
    assert clashing_rows(batch, order, {key: (1.0, None, "mm")}) == [0, 2]
    assert clashing_rows(batch, order, {}) == [1, 2]
    assert observation_content(batch, 0) == (2.0, None, "mm")


def test_content_is_what_the_sender_said() -> None:
    """What we add (place of a camera, zones, marks, arrival) does not count; a position's place does."""
    seen = Detection(id="1", source="s", observed_at=T, received_at=T, device="c", label="fire")
    placed = Detection(
        id="1", source="s", observed_at=T, received_at=T.replace(hour=1), device="c", label="fire", lon=1.0, lat=2.0,
        commune="x", zone_ids=("z",), marks=("late",),
    )  # fmt: skip
    other = Detection(id="1", source="s", observed_at=T, received_at=T, device="c", label="smoke")
    assert event_content(seen) == event_content(placed) != event_content(other)
    here = Position(id="1", source="s", observed_at=T, received_at=T, unit="u", lon=1.0, lat=2.0)
    there = Position(id="1", source="s", observed_at=T, received_at=T, unit="u", lon=1.0, lat=2.1)
    assert event_content(here) != event_content(there)


class Grown(Detection, frozen=True, tag="detection.v1", tag_field="type"):
    """A detection as a later release may know it."""

    added_later: str | None = None


def test_a_field_that_is_added_later_changes_no_digest() -> None:
    """Events that were stored before an upgrade are read again after it: they are repeats, not conflicts."""
    told = {"id": "1", "source": "s", "observed_at": T, "received_at": T, "device": "c", "label": "fire"}
    old, new = (event_content(kind(**told)) for kind in (Detection, Grown))  # type: ignore[arg-type]
    assert old == new != event_content(Grown(**told, added_later="x"))  # type: ignore[arg-type]


def test_storable_text_keeps_what_it_can() -> None:
    """U+0000 is shown, a lone surrogate becomes a question mark, Vietnamese stays."""
    assert storable("a\x00b") == "a\u2400b"
    assert storable("\ud800") == "?"
    assert storable("Cháy nhà") == "Cháy nhà"
