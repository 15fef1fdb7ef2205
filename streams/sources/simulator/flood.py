"""Scenario song-ba-flood: the flood of 19 to 25 November 2025 on the Ba and the Srêpôk, between published levels.

Sources of the levels: bulletins printed by thanhnien.vn on 20 November 2025, nhandan.vn (post925030), nghean24h.vn
(a766252) and plo.vn (post882173). Between them the level is interpolated; after its last published level a station
stays there; before its first it is silent. Krông Búk has no published level in these days and says nothing. Rain is
invented. Everything is labelled as simulated.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from schemas.events import Text
from streams.sources.simulator.abstract import Emission, Scenario
from streams.sources.simulator.chance import generator
from streams.sources.simulator.curve import through
from streams.sources.simulator.flood_truth import truth
from streams.sources.simulator.levels import ALARM_LEVELS_M, PUBLISHED
from streams.sources.simulator.messages import in_order, observation
from streams.sources.simulator.sites import RAIN, RIVER, Site, sites

#: 19 November 2025, 07:00 in Viet Nam.
START = datetime(2025, 11, 19, tzinfo=UTC)
DURATION = timedelta(hours=150)
#: Hours in which the invented rain falls, and its mean rate (mm in 10 min).
RAIN_HOURS, RAIN_MM = (0.0, 60.0), 2.0


def events(seed: int, start: datetime) -> Iterator[Emission]:
    """Give all readings of river stations and rain gauges in the order of sending."""
    rivers = [_levels(seed, start, site) for site in sites(RIVER) if site.id in PUBLISHED]
    return in_order([*rivers, *(_rain(seed, start, site) for site in sites(RAIN))])


def _levels(seed: int, start: datetime, site: Site) -> Iterator[Emission]:
    """Every 10 minutes, every 5 while the river is at alarm level 1 or above."""
    level_at = through(PUBLISHED[site.id])
    delay_s = round(generator(seed, site.id).uniform(1, 4), 3)
    minute = int(PUBLISHED[site.id][0][0] * 60)
    while minute <= DURATION.total_seconds() / 60:
        level = round(level_at(minute / 60), 2)
        if minute % 10 == 0 or level >= ALARM_LEVELS_M[site.id][0][1]:
            yield observation(site, "water_level", level, start + timedelta(minutes=minute), delay_s)
        minute += 5


def _rain(seed: int, start: datetime, site: Site) -> Iterator[Emission]:
    """Millimetres of the last 10 minutes: bursts in the first days, then dry."""
    chance = generator(seed, site.id)
    delay_s = round(chance.uniform(1, 4), 3)
    burst = 0.0
    for minute in range(10, int(DURATION.total_seconds() / 60) + 1, 10):
        raining = RAIN_HOURS[0] <= minute / 60 <= RAIN_HOURS[1]
        burst = 0.8 * burst + (0.2 * chance.expovariate(1 / RAIN_MM) if raining else 0.0)
        value = round(burst, 1) if raining else 0.0
        yield observation(site, "rain", value, start + timedelta(minutes=minute), delay_s)


SONG_BA_FLOOD = Scenario(
    name="song-ba-flood",
    title=Text(vi="Lũ sông Ba 19-25/11/2025 (mô phỏng)", en="Flood of the Ba river, 19-25 November 2025 (simulated)"),
    duration=DURATION,
    events=events,
    truth=truth,
    start=START,
)
