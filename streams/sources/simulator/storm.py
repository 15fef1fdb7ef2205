"""Scenario storm-of-alarms: half an hour of a quiet city, and in it five minutes at 50 times the normal rate."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec import structs

from schemas.events import Text
from streams.sources.simulator.abstract import Emission, Expected, Scenario
from streams.sources.simulator.causes import Fire
from streams.sources.simulator.chance import generator
from streams.sources.simulator.daytime import ticks
from streams.sources.simulator.eyes import CADENCE_S as CAMERA_CADENCE_S
from streams.sources.simulator.messages import Seen, detection, in_order
from streams.sources.simulator.sites import CADENCE_S, CAMERAS, Site, sites, teams
from streams.sources.simulator.urban import streams
from streams.sources.simulator.urban_truth import fire, reported

DURATION = timedelta(minutes=30)
BURST_FROM, BURST_TO = timedelta(minutes=15), timedelta(minutes=20)
TIMES_NORMAL = 50
#: So many cameras see fire, one in three of their sightings; they stand more than a kilometre from each other.
ALARM_CAMERAS, ALARM_ONE_IN = 12, 3
FALSE_LABELS = ("motion", "person", "car", "motorcycle")


def events(seed: int, start: datetime) -> Iterator[Emission]:
    """Give the quiet city with the burst of its cameras on top."""
    alarmed = {camera.id for camera in alarm_cameras(seed)}
    bursts = [_burst(seed, camera, start, alarmed=camera.id in alarmed) for camera in sites(CAMERAS)]
    return in_order([*streams(seed, start, DURATION, None), *bursts])


def truth(seed: int, start: datetime) -> list[Expected]:
    """Give one fire for each alarmed camera, however often it cries, and what citizens report.

    None is over before the scenario is.
    """
    lasts = BURST_TO - BURST_FROM
    fires = (Fire(camera, BURST_FROM, sure_after=timedelta(0), lasts=lasts) for camera in alarm_cameras(seed))
    all_of_them = [*(fire(cause, start) for cause in fires), *reported(seed, start, DURATION)]
    return [structs.replace(each, cleared=None) for each in all_of_them]


def alarm_cameras(seed: int) -> list[Site]:
    """Draw the cameras that see fire."""
    return sorted(generator(seed, "storm").sample(sites(CAMERAS), ALARM_CAMERAS), key=lambda camera: camera.id)


def normal_rate_hz() -> float:
    """Give the events per second of a quiet city, from the cadences; the few reports are left out."""
    counted = (source for source, cadence_s in CADENCE_S.items() if cadence_s and source not in ("demo-river", CAMERAS))
    sensors = sum(max(1, len(site.metrics)) / (CADENCE_S[source] or 1) for source in counted for site in sites(source))
    return sensors + len(sites(CAMERAS)) / CAMERA_CADENCE_S + len(teams()) / (CADENCE_S["demo-units"] or 1)


def _burst(seed: int, camera: Site, start: datetime, *, alarmed: bool) -> Iterator[Emission]:
    chance = generator(seed, "storm", camera.id)
    every_s = len(sites(CAMERAS)) / (normal_rate_hz() * (TIMES_NORMAL - 1))
    for i, at in enumerate(ticks(start + BURST_FROM, start + BURST_TO, every_s, chance)):
        if alarmed and i % ALARM_ONE_IN == 0:
            yield detection(camera, Seen("fire", chance.uniform(0.85, 0.97)), at, 0.5)
        else:
            label = chance.choice(FALSE_LABELS)
            yield detection(camera, Seen(label, chance.uniform(0.6, 0.95), chance.randint(1, 4)), at, 0.5)


STORM_OF_ALARMS = Scenario(
    name="storm-of-alarms",
    title=Text(vi="Bão cảnh báo: gấp 50 lần bình thường (mô phỏng)", en="Storm of alarms: 50 times normal (simulated)"),
    duration=DURATION,
    events=events,
    truth=truth,
)
