"""Scenario urban-day: a day of sensors, cameras, phones and reports over Buôn Ma Thuột and Tuy Hoà."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from schemas.events import Text
from streams.sources.simulator.abstract import Emission, Expected, Scenario
from streams.sources.simulator.causes import Causes, causes
from streams.sources.simulator.citizens import reports
from streams.sources.simulator.eyes import camera
from streams.sources.simulator.messages import in_order
from streams.sources.simulator.patrol import phone
from streams.sources.simulator.sensors import air_station, noise_meter, rain_gauge, street_sensor
from streams.sources.simulator.sites import AIR, CAMERAS, NOISE, RAIN, STREET, sites, teams
from streams.sources.simulator.urban_truth import truth as truth_of

DURATION = timedelta(hours=24)


def events(seed: int, start: datetime) -> Iterator[Emission]:
    """Give all events of the day in the order of sending."""
    return in_order(streams(seed, start, DURATION, causes(seed)))


def truth(seed: int, start: datetime) -> list[Expected]:
    """Give the incidents of the day."""
    return truth_of(seed, start, DURATION)


def streams(seed: int, start: datetime, duration: timedelta, wrong: Causes | None) -> list[Iterator[Emission]]:
    """Give one stream for each device; `wrong` None: a day on which nothing happens."""
    end = start + duration
    return [
        *(air_station(seed, site, start, end, wrong) for site in sites(AIR)),
        *(noise_meter(seed, site, start, end) for site in sites(NOISE)),
        *(rain_gauge(seed, site, start, end, wrong) for site in sites(RAIN)),
        *(street_sensor(seed, site, start, end, wrong) for site in sites(STREET)),
        *(camera(seed, site, start, end, wrong) for site in sites(CAMERAS)),
        *(phone(seed, team, start, end, wrong) for team in teams()),
        reports(seed, start, end),
    ]


URBAN_DAY = Scenario(
    name="urban-day",
    title=Text(
        vi="Một ngày ở Buôn Ma Thuột và Tuy Hoà (mô phỏng)", en="A day in Buôn Ma Thuột and Tuy Hoà (simulated)"
    ),
    duration=DURATION,
    events=events,
    truth=truth,
)
