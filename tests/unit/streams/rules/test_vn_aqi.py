from __future__ import annotations

import pytest

from streams.rules.vn_aqi import nowcast, sub_index, vn_aqi


@pytest.mark.parametrize(
    ("expected", "metric", "concentration"),
    [
        (71, "pm2_5", 35.4),
        (150, "pm2_5", 80),
        (350, "pm2_5", 300),
        (0, "pm2_5", 0),
        (50, "pm10", 50),
        (500, "pm2_5", 900),
        (100, "o3", 200),
    ],
)
def test_sub_index(expected: int, metric: str, concentration: float) -> None:
    """The index is linear between the breakpoints of the decision and stops at 500."""
    assert sub_index(metric, concentration) == expected


def test_nowcast_weighs_the_newest_hours_most() -> None:
    """One bad hour after eleven clean ones gives about their mean, and the index that belongs to it."""
    value = nowcast([100, *[50] * 11])
    assert value == pytest.approx(75.0, abs=0.01)
    assert sub_index("pm2_5", value or 0) == 142


@pytest.mark.parametrize(
    ("expected", "hours"), [(None, [10, None, None, 10]), (10, [10, None, 10]), (10, [None, 10, 10]), (0, [0, 0])]
)
def test_nowcast_needs_two_of_the_last_three_hours(expected: float | None, hours: list[float | None]) -> None:
    """Missing hours are left out of both sums; too many of the newest missing gives nothing."""
    assert nowcast(hours) == expected


def test_station_index_is_the_greatest() -> None:
    """The station's index is the greatest sub-index; one of PM2.5 and PM10 is enough, none gives nothing."""
    assert vn_aqi({"pm2_5": [80, 80], "pm10": [50, 50]}) == 150
    assert vn_aqi({"pm10": [50, 50]}) == 50
    assert vn_aqi({"pm2_5": [80]}) is None
