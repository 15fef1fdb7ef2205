"""Sensors of a city, one stream each: air, noise, rain, water on the street."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from streams.sources.simulator.abstract import Emission
from streams.sources.simulator.causes import Causes, Downpour
from streams.sources.simulator.chance import generator
from streams.sources.simulator.daytime import busy, ticks
from streams.sources.simulator.messages import observation
from streams.sources.simulator.sites import CADENCE_S, Site

#: Usual values (micrograms per cubic metre) on a clean day: far below VN_AQI 100. PM comes from `_fine_dust`.
CLEAN_AIR = {"no2": 22.0, "o3": 45.0, "so2": 9.0, "co": 700.0}
PM10_PER_PM2_5 = 1.35
#: Water that stands on any street in a downpour (cm): below the first warning at 15 cm.
PUDDLE_CM = 8.0
#: Rain of a downpour (mm in 10 min).
DOWNPOUR_MM = 7.0


def air_station(seed: int, site: Site, start: datetime, end: datetime, wrong: Causes | None) -> Iterator[Emission]:
    """Six pollutants every 5 minutes."""
    chance, delay_s = _device(seed, site)
    for at in ticks(start, end, _cadence_s(site), chance):
        dust = _fine_dust(chance, site, at - start, at, wrong)
        values = {"pm2_5": dust, "pm10": dust * PM10_PER_PM2_5}
        values |= {
            metric: mean * (0.7 + 0.5 * busy(at)) * chance.uniform(0.9, 1.1) for metric, mean in CLEAN_AIR.items()
        }
        for metric in site.metrics:
            yield observation(site, metric, round(values[metric], 1), at, delay_s)


def noise_meter(seed: int, site: Site, start: datetime, end: datetime) -> Iterator[Emission]:
    """LAeq of 15 minutes: 45 dBA at night to 70 in the rush hours."""
    chance, delay_s = _device(seed, site)
    for at in ticks(start, end, _cadence_s(site), chance):
        yield observation(site, "noise_laeq", round(44 + 25 * busy(at) + chance.gauss(0, 1.5), 1), at, delay_s)


def rain_gauge(seed: int, site: Site, start: datetime, end: datetime, wrong: Causes | None) -> Iterator[Emission]:
    """Millimetres of the last 10 minutes: dry but for the downpour over its city."""
    chance, delay_s = _device(seed, site)
    for at in ticks(start, end, _cadence_s(site), chance):
        wet = wrong is not None and wrong.downpour.street.city == site.city and _raining(wrong.downpour, at - start)
        value = round(DOWNPOUR_MM * chance.uniform(0.6, 1.4), 1) if wet else 0.0
        yield observation(site, "rain", value, at, delay_s)


def street_sensor(seed: int, site: Site, start: datetime, end: datetime, wrong: Causes | None) -> Iterator[Emission]:
    """Depth every 2 minutes: dry, puddles in a downpour, and one street that floods."""
    chance, delay_s = _device(seed, site)
    for at in ticks(start, end, _cadence_s(site), chance):
        depth = 0.0 if wrong is None else street_depth_cm(wrong.downpour, site, at - start)
        yield observation(site, "flood_depth", round(max(0.0, depth + chance.uniform(-0.3, 0.3)), 1), at, delay_s)


def street_depth_cm(downpour: Downpour, site: Site, since: timedelta) -> float:
    """Give the depth at a sensor: half a sine from the begin of the flood to its end."""
    if downpour.street.city != site.city:
        return 0.0
    part = (since - downpour.begins - downpour.after) / downpour.lasts
    peak = downpour.peak_cm if downpour.street.id == site.id else PUDDLE_CM
    return peak * math.sin(math.pi * part) if 0 < part < 1 else 0.0


def _raining(downpour: Downpour, since: timedelta) -> bool:
    return downpour.begins <= since <= downpour.begins + downpour.rain


def _fine_dust(chance: Random, site: Site, since: timedelta, at: datetime, wrong: Causes | None) -> float:
    haze = None if wrong is None else wrong.haze
    if haze is not None and haze.station.id == site.id and haze.begins <= since < haze.begins + haze.lasts:
        return haze.pm2_5 * chance.uniform(0.98, 1.02)
    return (12 + 14 * busy(at)) * chance.uniform(0.85, 1.15)


def _device(seed: int, site: Site) -> tuple[Random, float]:
    """Give the device's chance and how long its messages are under way (s)."""
    chance = generator(seed, site.id)
    return chance, round(chance.uniform(0.5, 4), 3)


def _cadence_s(site: Site) -> float:
    cadence_s = CADENCE_S[site.source]
    assert cadence_s is not None  # noqa: S101 -- only reports are irregular, and they have no sites
    return cadence_s
