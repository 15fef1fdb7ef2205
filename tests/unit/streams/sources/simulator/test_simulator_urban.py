from __future__ import annotations

from datetime import datetime, timedelta
from itertools import combinations, pairwise

import pytest

from streams.sources.simulator.causes import causes
from streams.sources.simulator.places import distance_m
from streams.sources.simulator.sites import teams
from streams.sources.simulator.urban import URBAN_DAY
from tests.unit.streams.sources.simulator.simulation import START, of_device, of_source

DAY = "urban-day"
SEEDS = [1, 2]


@pytest.mark.parametrize("seed", range(40))
def test_every_seed_has_one_of_each_kind(seed: int) -> None:
    """One or two fires, one street flood, one crowd, one episode of bad air, one unit astray; fires far apart."""
    truth = [incident for incident in URBAN_DAY.truth(seed, START) if not incident.cause.startswith("report ")]
    kinds = sorted(incident.kind for incident in truth)
    assert [kind for kind in kinds if kind != "fire.structure"] == [
        "air.quality",
        "flood.urban",
        "public.order",
        "unit.outside",
    ]
    fires = [incident for incident in truth if incident.kind == "fire.structure"]
    assert len(fires) in (1, 2)
    assert len({incident.lon > 108.5 for incident in fires}) == len(fires)


def test_some_days_have_a_second_fire() -> None:
    """Over forty seeds both one and two fires occur."""
    assert {len(causes(seed).fires) for seed in range(40)} == {1, 2}


def first(device: str, seed: int, holds: str, limit: float, label: str = "") -> datetime:
    """Give the time of the device's first event whose field `holds` reaches `limit`."""
    for emission, event in of_device(DAY, device, seed):
        if event.get(holds, -1.0) >= limit and label in event.get("label", ""):
            return emission.at
    raise AssertionError(f"{device} never had {holds} >= {limit}")


@pytest.mark.parametrize("seed", SEEDS)
def test_fires_and_crowd_are_seen_when_the_truth_says(seed: int) -> None:
    """The first smoke of 0.6, the first fire of 0.8 and the first crowd lie in their windows."""
    for incident in URBAN_DAY.truth(seed, START):
        (device,) = incident.devices
        if incident.cause.startswith("report "):
            continue
        if incident.kind == "fire.structure":
            assert incident.steps[0].window.holds(first(device, seed, "confidence", 0.6, "smoke"))
            assert incident.steps[1].window.holds(first(device, seed, "confidence", 0.8, "fire"))
        if incident.kind == "public.order":
            assert incident.opened.holds(first(device, seed, "count", 100) + timedelta(minutes=2))


@pytest.mark.parametrize("seed", SEEDS)
def test_only_the_flooded_street_reaches_15_cm(seed: int) -> None:
    """Its first 15 and 30 cm lie in the windows of the truth; all other sensors stay below the warning."""
    (flood,) = [i for i in URBAN_DAY.truth(seed, START) if i.kind == "flood.urban"]
    (device,) = flood.devices
    assert flood.steps[0].window.holds(first(device, seed, "value", 15.0))
    assert flood.steps[1].window.holds(first(device, seed, "value", 30.0))
    depths = [(event["device"], event["value"]) for event in of_source(DAY, "demo-street", seed)]
    assert {name for name, depth in depths if depth >= 12.0} == {device}


@pytest.mark.parametrize("seed", SEEDS)
def test_only_the_unit_of_the_truth_leaves_its_area(seed: int) -> None:
    """It is outside for more than three minutes and comes back; no other unit ever leaves."""
    (astray,) = [i for i in URBAN_DAY.truth(seed, START) if i.kind == "unit.outside"]
    for team in teams():
        outside = [
            e.at
            for e, fix in of_device(DAY, team.id, seed)
            if distance_m((fix["lon"], fix["lat"]), (team.lon, team.lat)) > team.radius_m * 0.98
        ]
        assert bool(outside) == (team.id in astray.devices)
        if outside:
            assert astray.opened.holds(outside[0] + timedelta(minutes=3))
            assert outside[-1] - outside[0] > timedelta(minutes=10)


def test_units_move_at_a_plausible_speed() -> None:
    """Between two fixes no unit is faster than 25 m/s, GPS noise included, and each one moves."""
    for team in teams():
        track = [(e.at, (fix["lon"], fix["lat"])) for e, fix in of_device(DAY, team.id)[:1500]]
        steps = [distance_m(b, a) / (t2 - t1).total_seconds() for (t1, a), (t2, b) in pairwise(track)]
        assert max(steps) < 25
        assert max(steps) > 3


@pytest.mark.parametrize("seed", SEEDS)
def test_only_one_station_has_bad_air(seed: int) -> None:
    """Its PM2.5 stays high for eight hours; every other value of PM2.5 is below 50 (VN_AQI 100)."""
    (haze,) = [i for i in URBAN_DAY.truth(seed, START) if i.kind == "air.quality"]
    dust = [(e.at, event) for i in range(1, 10) for e, event in of_device(DAY, f"air:{i:02d}", seed)]
    high = [(at, event) for at, event in dust if event["metric"] == "pm2_5" and event["value"] >= 50]
    assert {event["device"] for _, event in high} == set(haze.devices)
    assert high[-1][0] - high[0][0] > timedelta(hours=7, minutes=50)


def test_doubtful_smoke_is_not_an_alarm() -> None:
    """Cameras are unsure now and then, below 0.6, and surely only at a fire."""
    burning = {i.devices[0] for i in URBAN_DAY.truth(1, START) if i.kind == "fire.structure"}
    smoke = [event for event in of_source(DAY, "demo-cameras") if event["label"] in ("smoke", "fire")]
    assert {event["device"] for event in smoke if event["confidence"] >= 0.6} == burning
    assert any(event["confidence"] < 0.6 for event in smoke)


@pytest.mark.parametrize("seed", range(10))
def test_every_report_that_opens_an_incident_opens_its_own(seed: int) -> None:
    """Urgent matters are reported every day; two of one kind are never so near that they would be joined."""
    opened = [incident for incident in URBAN_DAY.truth(seed, START) if incident.cause.startswith("report ")]
    assert len(opened) > 3
    for one, other in combinations(opened, 2):
        far = distance_m((one.lon, one.lat), (other.lon, other.lat)) > 300
        later = other.opened.earliest - one.opened.earliest > timedelta(hours=1)
        assert one.kind != other.kind or far or later


def test_citizens_write_vietnamese() -> None:
    """Reports have a text with Vietnamese letters, a category, a channel and an urgency of our words."""
    reports = of_source(DAY, "demo-reports")
    assert len(reports) > 20
    assert all(any(letter in report["text"] for letter in "ăâđêôơưáàạảãế") for report in reports)
    assert {report["urgency"] for report in reports} <= {"urgent", "normal", "complex"}
