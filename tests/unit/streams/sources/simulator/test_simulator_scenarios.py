from __future__ import annotations

import hashlib
from collections import Counter
from datetime import timedelta
from itertools import islice, pairwise

import pytest

from schemas.events import Lane, Source
from streams.sources.native import Native
from streams.sources.simulator.places import distance_m
from streams.sources.simulator.scenarios import SCENARIOS
from streams.sources.simulator.sites import CAMERAS, LANES, all_sites, sites, teams
from tests.unit.streams.sources.simulator.simulation import body, played, start_of

SOURCES = {source: Source(id=source, kind="sensor", format="native", lane=lane) for source, lane in LANES.items()}
NAMES = sorted(SCENARIOS)
#: West, south, east, north of the province with its sea edge, from the extent of its communes.
PROVINCE = (107.48, 12.16, 109.46, 13.70)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_bytes(name: str) -> None:
    """Two plays of one seed agree in every byte and time; another seed differs."""
    scenario, start = SCENARIOS[name], start_of(name)
    first, again, other = (list(islice(scenario.events(seed, start), 4000)) for seed in (7, 7, 8))
    assert first == again
    assert first != other


def test_bytes_are_the_same_on_every_machine() -> None:
    """The digest of the flood of seed 1 is fixed: a change of it is a change of the golden replay."""
    digest = hashlib.sha256(b"\n".join(emission.payload for emission in played("song-ba-flood")))
    assert digest.hexdigest()[:16] == "3bea69ba780f8fb0"


@pytest.mark.parametrize("name", NAMES)
def test_emissions_leave_in_order_and_within_the_scenario(name: str) -> None:
    """`send_at` never falls; event times lie within the scenario, give or take a clock that runs ahead."""
    emissions, start = played(name), start_of(name)
    assert all(a.send_at <= b.send_at for a, b in pairwise(emissions))
    ahead = timedelta(minutes=21) if SCENARIOS[name].late_is_played else timedelta(0)
    assert all(start <= e.at <= start + SCENARIOS[name].duration + ahead for e in emissions)


@pytest.mark.parametrize("name", NAMES)
def test_payloads_are_native_json(name: str) -> None:
    """The adapter reads every kind of payload into one draft with the emission's time and a place."""
    for emission in played(name)[::37]:
        (draft,) = Native().read(emission.payload, SOURCES[emission.source], {})
        assert not isinstance(draft, Exception), draft
        assert draft.at == emission.at.isoformat()
        assert draft.lon is not None


@pytest.mark.parametrize("name", NAMES)
def test_everything_happens_in_the_province(name: str) -> None:
    """No position of an event is outside the province's box."""
    west, south, east, north = PROVINCE
    places = {(body(emission)["lon"], body(emission)["lat"]) for emission in played(name)[::7]}
    assert all(west < lon < east and south < lat < north for lon, lat in places)


@pytest.mark.parametrize("name", NAMES)
def test_ids_are_used_once(name: str) -> None:
    """Detections, positions and reports carry an id of their own; only a repeated message repeats one."""
    ids = Counter(body(emission).get("id") for emission in played(name))
    del ids[None]
    assert all(count == 1 for count in ids.values())


@pytest.mark.parametrize("name", NAMES)
def test_lanes_follow_the_source(name: str) -> None:
    """Telemetry goes by the bulk lane, detections, positions and reports by the priority lane."""
    for emission in played(name):
        assert emission.lane == LANES[emission.source]
        assert emission.key.split("/")[0] == emission.source
    assert LANES[CAMERAS] is Lane.PRIORITY


def test_the_city_is_as_large_as_promised() -> None:
    """9 air stations, 12 noise meters, 14 rain gauges, 20 street sensors, 40 cameras, 12 units, all ids once."""
    counts = Counter(site.kind for site in all_sites())
    assert counts == {
        "river_gauge": 5,
        "rain_gauge": 14,
        "air_station": 9,
        "noise_meter": 12,
        "flood_sensor": 20,
        "camera": 40,
    }
    assert len(teams()) == 12
    assert len({site.id for site in all_sites()} | {team.id for team in teams()}) == 112


def test_cameras_of_a_storm_are_incidents_of_their_own() -> None:
    """All cameras stand more than a kilometre from each other: two fires never merge into one."""
    cameras = [(site.lon, site.lat) for site in sites(CAMERAS)]
    nearest = min(distance_m(a, b) for i, a in enumerate(cameras) for b in cameras[:i])
    assert nearest > 1000
