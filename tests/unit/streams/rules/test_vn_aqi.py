from __future__ import annotations

import pytest

from schemas.metrics import METRICS
from streams.rules.vn_aqi import BREAKPOINTS, nowcast, sub_index, vn_aqi


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


@pytest.mark.parametrize(("expected", "gas", "mean"), [(320, "no2", 2500), (320, "so2", 1700), (333, "co", 100_000)])
def test_a_gas_can_be_what_is_worst(expected: int, gas: str, mean: float) -> None:
    """Air that is clean of dust is as bad as its worst gas."""
    assert vn_aqi({"pm2_5": [20] * 12, gas: [mean]}) == expected


def test_gases_count_by_the_newest_hour_alone() -> None:
    """A gas is neither averaged with earlier hours nor taken from one of them when the newest is missing."""
    assert vn_aqi({"pm2_5": [20, 20], "no2": [50, 3850]}) == 40
    assert vn_aqi({"pm2_5": [20, 20], "no2": [None, 3850]}) == 40


def test_a_gas_alone_gives_no_index() -> None:
    """The decision demands PM2.5 or PM10, also where a gas is at its worst."""
    assert vn_aqi({"no2": [3850], "pm2_5": [20]}) is None


def test_the_example_of_the_decision() -> None:
    """Section 2.3 has Nowcast 20.3, ozone 43, PM2.5 41; for nitrogen dioxide its formula gives 59, it prints 60."""
    dust = [20.6, 19.6, 22.4, 20.3, 16.5, 19.0, 16.5, 19.5, 23.5, 20.5, 24.7, 26.9]
    assert nowcast(dust) == pytest.approx(20.3, abs=0.05)
    assert [sub_index(*one) for one in (("o3", 136.1), ("pm2_5", 20.3), ("no2", 118.7))] == [43, 41, 59]
    assert vn_aqi({"pm2_5": dust, "o3": [136.1], "no2": [118.7]}) == 59


@pytest.mark.parametrize("metric", sorted(BREAKPOINTS))
def test_the_worst_air_is_plausible(metric: str) -> None:
    """What is out of a metric's range is left out of the index: the range must hold all of the index's scale."""
    assert METRICS[metric].high > BREAKPOINTS[metric][-1]
    assert METRICS[metric].low < 0  # an analyser drifts around zero
