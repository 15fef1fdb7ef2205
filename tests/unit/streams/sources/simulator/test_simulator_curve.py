from __future__ import annotations

import pytest

from streams.sources.simulator.curve import crossing, through

POINTS = ((0.0, 35.92), (18.0, 40.99), (72.0, 31.45))


def test_the_line_passes_through_every_point() -> None:
    """At a published time the level is the published one, exactly."""
    level = through(POINTS)
    assert [level(hour) for hour, _ in POINTS] == [35.92, 40.99, 31.45]


def test_a_published_peak_is_the_peak() -> None:
    """Nowhere is the line above its highest or below its lowest point, and it is monotone between points."""
    level = through(POINTS)
    rising = [level(i / 10) for i in range(181)]
    falling = [level(18 + i / 10) for i in range(541)]
    assert rising == sorted(rising)
    assert falling == sorted(falling, reverse=True)


def test_outside_the_points_the_line_is_level() -> None:
    """Before the first and after the last point it stays at their values; one point is a level line."""
    level = through(POINTS)
    assert (level(-5), level(100)) == (35.92, 31.45)
    assert through(((3.0, 7.5),))(0) == 7.5


@pytest.mark.parametrize(("low", "high", "at"), [(0.0, 18.0, 39.9), (18.0, 72.0, 34.5)])
def test_a_crossing_is_where_the_line_has_the_level(low: float, high: float, at: float) -> None:
    """Rising or falling, the line is at the level there."""
    level = through(POINTS)
    assert level(crossing(level, low, high, at)) == pytest.approx(at, abs=1e-4)
