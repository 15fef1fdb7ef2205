"""Steps and gaps of charts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from api.charts import choose_step, gaps, millis
from schemas.store.abstract import SeriesPoint

START = datetime(2025, 11, 19, tzinfo=UTC)


def _points(*minutes: float) -> list[SeriesPoint]:
    return [SeriesPoint(START + timedelta(minutes=at), 1.0, 1.0, 1.0, 1) for at in minutes]


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
    minutes = [((left - millis(START)) / 60_000, (right - millis(START)) / 60_000) for left, right in found]
    assert minutes == [(0, 20), (24, 40), (40, 60)]


def test_an_hour_with_a_point_is_no_gap() -> None:
    """A rolled-up point stands for its whole step."""
    found = gaps(_points(0, 60, 240), START, START + timedelta(hours=5), step_s=3600, cadence_s=60)
    assert found == [(millis(START + timedelta(hours=2)), millis(START + timedelta(hours=4)))]


def test_no_data_at_all_is_one_gap_and_no_cadence_is_none() -> None:
    """Silence over the whole chart is shown; of an irregular device nobody knows."""
    end = START + timedelta(hours=1)
    assert gaps([], START, end, step_s=0, cadence_s=60) == [(millis(START), millis(end))]
    assert gaps([], START, end, step_s=0, cadence_s=None) == []
