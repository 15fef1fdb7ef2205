from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest

from streams.sources.simulator.flood import SONG_BA_FLOOD, START
from streams.sources.simulator.levels import ALARM_LEVELS_M
from tests.unit.streams.sources.simulator.simulation import of_device, of_source

VIET_NAM = timezone(timedelta(hours=7))

#: The golden replay as the bulletins printed it: device, day of November 2025, hour in Viet Nam, metres.
BULLETINS = [
    ("river:cung-son", 19, 7, 35.92),
    ("river:phu-lam", 19, 7, 3.94),
    ("river:giang-son", 19, 7, 422.02),
    ("river:cung-son", 20, 1, 40.99),
    ("river:phu-lam", 20, 3, 5.40),
    ("river:cung-son", 22, 7, 31.45),
    ("river:phu-lam", 22, 7, 0.96),
    ("river:giang-son", 22, 8, 425.87),
    ("river:giang-son", 25, 7, 422.42),
    ("river:ban-don", 25, 7, 175.84),
]


def levels(device: str) -> dict[datetime, float]:
    return {emission.at: reading["value"] for emission, reading in of_device("song-ba-flood", device)}


@pytest.mark.parametrize(("device", "day", "hour", "metres"), BULLETINS)
def test_published_levels_are_sent_at_their_original_times(device: str, day: int, hour: int, metres: float) -> None:
    """At the date and hour of the bulletin the station sends exactly the printed level."""
    at = datetime(2025, 11, day, hour, tzinfo=VIET_NAM).astimezone(UTC)
    assert levels(device)[at] == metres


def test_what_nobody_published_is_not_invented() -> None:
    """Krông Búk has no level of these days and is silent; Bản Đôn speaks from its only bulletin on."""
    assert levels("river:krong-buk") == {}
    assert min(levels("river:ban-don")) == START + timedelta(hours=144)


@pytest.mark.parametrize("device", ["river:cung-son", "river:phu-lam", "river:giang-son"])
def test_cadence_is_5_minutes_in_flood_and_10_otherwise(device: str) -> None:
    """The step after a reading in flood is 5 minutes; no step is longer than 10."""
    readings = sorted(levels(device).items())
    for (at, level), (after, _) in pairwise(readings):
        assert after - at in ({timedelta(minutes=5), timedelta(minutes=10)} if level < flood(device) + 0.1 else FIVE)


FIVE = {timedelta(minutes=5)}


def flood(device: str) -> float:
    return ALARM_LEVELS_M[device][0][1]


def severity_of(device: str, level: float) -> int:
    return max((severity for severity, limit in ALARM_LEVELS_M[device] if level >= limit), default=1)


def test_truth_agrees_with_a_plain_reading_of_the_levels() -> None:
    """Read from the sent bytes alone, each station's begin, peak severity and end lie where the truth says."""
    truth = {incident.devices[0]: incident for incident in SONG_BA_FLOOD.truth(1, START)}
    assert set(truth) == {"river:cung-son", "river:phu-lam", "river:giang-son", "river:ban-don"}
    for device, incident in truth.items():
        readings = sorted(levels(device).items())
        assert incident.severity == max(severity_of(device, level) for _, level in readings)
        for step in incident.steps:
            reached = next(at for at, level in readings if severity_of(device, level) >= step.severity)
            assert step.window.holds(reached), (device, step)
        assert (incident.cleared is None) == (readings[-1][1] >= flood(device) - 0.10)


def test_truth_knows_when_the_alarm_ends() -> None:
    """Phú Lâm alone clears: 60 minutes after its level went 0.10 m below alarm level 1."""
    (cleared,) = [i.cleared for i in SONG_BA_FLOOD.truth(1, START) if i.cleared is not None]
    readings = sorted(levels("river:phu-lam").items())
    below = next(at for at, level in readings if level < flood("river:phu-lam") - 0.10)
    assert cleared.holds(below + timedelta(minutes=60))


def test_severities_are_those_of_the_flood() -> None:
    """Củng Sơn and Phú Lâm passed the record of 1993, the others alarm level 3."""
    severities = {i.devices[0]: i.severity for i in SONG_BA_FLOOD.truth(1, START)}
    assert severities == {"river:cung-son": 5, "river:phu-lam": 5, "river:giang-son": 4, "river:ban-don": 4}


def test_rain_is_plausible() -> None:
    """Every gauge rains and then dries; no 10 minutes pass 200 mm/h."""
    values = [reading["value"] for reading in of_source("song-ba-flood", "demo-rain")]
    assert 0 < max(values) < 200 / 6
    assert values[-144:] == [0.0] * 144
