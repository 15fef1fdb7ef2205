"""Steps and gaps of charts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from api.charts import choose_step, gaps, millis
from schemas.store.abstract import SeriesPoint

START = datetime(2025, 11, 19, tzinfo=UTC)


def _points(*minutes: float, count: int = 1) -> list[SeriesPoint]:
    return [SeriesPoint(START + timedelta(minutes=at), 1.0, 1.0, 1.0, count) for at in minutes]


def _minutes(found: list[tuple[int, int]]) -> list[tuple[float, float]]:
    return [((left - millis(START)) / 60_000, (right - millis(START)) / 60_000) for left, right in found]


@pytest.mark.parametrize(
    ("span", "cadence_s", "step_s"),
    [
        (timedelta(hours=1), 60, 0),
        (timedelta(days=7), 600, 0),
        (timedelta(days=1), 10, 60),
        (timedelta(days=30), 60, 3600),
        (timedelta(days=3650), 60, 86_400),
        (timedelta(hours=1), None, 0),
    ],
)
def test_the_finest_readable_step_is_taken(span: timedelta, cadence_s: float | None, step_s: int) -> None:
    """Raw while that is readable, else the next rolled-up step."""
    assert choose_step(span, cadence_s) == step_s


def test_a_gap_is_where_more_than_two_events_are_missing() -> None:
    """One missed event is jitter; a silence, also at either end, is a gap."""
    end = START + timedelta(minutes=60)
    found = gaps(_points(20, 21, 23, 24, 40), START, end, step_s=0, cadence_s=60)
    assert _minutes(found) == [(0, 20), (24, 40), (40, 60)]


def test_an_hour_with_most_of_its_points_is_no_gap() -> None:
    """A rolled-up point stands for its whole step."""
    found = gaps(_points(0, 60, 240, count=55), START, START + timedelta(hours=5), step_s=3600, cadence_s=60)
    assert _minutes(found) == [(120, 240)]


@pytest.mark.parametrize(("count", "is_gap"), [(1, True), (20, True), (29, True), (30, False), (60, False)])
def test_an_hour_with_less_than_half_of_its_points_is_a_gap(count: int, is_gap: bool) -> None:
    """A one-minute sensor that was silent for 40 minutes is not shown as whole."""
    points = [*_points(0, count=60), *_points(60, count=count), *_points(120, count=60)]
    found = gaps(points, START, START + timedelta(hours=3), step_s=3600, cadence_s=60)
    assert _minutes(found) == ([(60, 120)] if is_gap else [])


def test_thin_and_empty_steps_side_by_side_are_one_gap() -> None:
    """What belongs together is drawn as one."""
    points = [*_points(0, count=60), *_points(60, 240, count=3), *_points(300, count=60)]
    found = gaps(points, START, START + timedelta(hours=6), step_s=3600, cadence_s=60)
    assert _minutes(found) == [(60, 300)]


@pytest.mark.parametrize(("count", "found"), [(10, []), (4, [(45, 60)])])
def test_a_step_that_is_asked_for_in_part_is_due_in_part(count: int, found: list[tuple[float, float]]) -> None:
    """At the ends of a chart only what was due within them counts."""
    start, end = START + timedelta(minutes=45), START + timedelta(minutes=122)
    points = [*_points(0, count=count), *_points(60, count=60), *_points(120, count=1)]
    assert _minutes(gaps(points, start, end, step_s=3600, cadence_s=60)) == found


def test_a_sensor_slower_than_the_step_has_no_thin_steps() -> None:
    """One value is all that can be in a step; only missing ones are a gap."""
    found = gaps(_points(0, 10, 20, 60), START, START + timedelta(minutes=61), step_s=60, cadence_s=600)
    assert _minutes(found) == [(21, 60)]


def test_no_data_at_all_is_one_gap_and_no_cadence_is_none() -> None:
    """Silence over the whole chart is shown; of an irregular device nobody knows."""
    end = START + timedelta(hours=1)
    assert gaps([], START, end, step_s=0, cadence_s=60) == [(millis(START), millis(end))]
    assert gaps([], START, end, step_s=0, cadence_s=None) == []
