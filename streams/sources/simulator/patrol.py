"""Phones of field units, one stream each: rounds within the home area, stops, and one drive out of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from streams.sources.simulator.abstract import Emission
from streams.sources.simulator.causes import Causes, Excursion
from streams.sources.simulator.chance import generator
from streams.sources.simulator.daytime import ticks
from streams.sources.simulator.messages import position
from streams.sources.simulator.places import offset
from streams.sources.simulator.sites import CADENCE_S, UNITS, Team

#: A round goes through so many corners, none farther out than this share of the home area's radius.
CORNERS, REACH = 9, 0.75
#: Drive 10 minutes, stand 5.
DRIVE_S, CYCLE_S = 600.0, 900.0
GPS_NOISE_M = 3.0

Metres = tuple[float, float]


def phone(seed: int, team: Team, start: datetime, end: datetime, wrong: Causes | None) -> Iterator[Emission]:
    """One fix every 15 seconds for the whole day."""
    chance = generator(seed, team.id)
    cadence_s = CADENCE_S[UNITS] or 15.0
    delay_s, full = round(chance.uniform(0.3, 2), 3), chance.uniform(70, 100)
    way = _way(seed, team, wrong)
    before = way(0.0)
    for at in ticks(start, end, cadence_s, chance):
        since_s = (at - start).total_seconds()
        now = way(since_s)
        fields = {
            "accuracy_m": round(chance.uniform(3, 12), 1),
            "speed_mps": round(math.dist(before, now) / cadence_s, 1),
            "heading_deg": round(math.degrees(math.atan2(now[0] - before[0], now[1] - before[1])) % 360, 0) % 360,
            "battery_pct": round(max(12.0, full - since_s / 3600 * 2.5), 0),
        }
        noisy = (now[0] + chance.gauss(0, GPS_NOISE_M), now[1] + chance.gauss(0, GPS_NOISE_M))
        yield position(team, offset(team.lon, team.lat, *noisy), at, delay_s, fields)
        before = now


def _way(seed: int, team: Team, wrong: Causes | None) -> Callable[[float], Metres]:
    """Give the place at each second, metres east and north of the centre of the home area."""
    rounds = _rounds(seed, team)
    if wrong is None or wrong.excursion.team.id != team.id:
        return rounds
    return _with_excursion(rounds, wrong.excursion)


def _rounds(seed: int, team: Team) -> Callable[[float], Metres]:
    chance = generator(seed, team.id, "round")
    corners = [
        _polar(turn * 2 * math.pi / CORNERS, team.radius_m * REACH * chance.uniform(0.3, 1)) for turn in range(CORNERS)
    ]
    legs = list(pairwise([*corners, corners[0]]))
    length_m = sum(math.dist(a, b) for a, b in legs)
    speed_mps = chance.uniform(5, 9)

    def at(second: float) -> Metres:
        cycles, rest = divmod(second, CYCLE_S)
        left = (cycles * DRIVE_S + min(rest, DRIVE_S)) * speed_mps % length_m
        for a, b in legs:
            leg_m = math.dist(a, b)
            if left <= leg_m:
                return _between(a, b, left / leg_m)
            left -= leg_m
        return corners[0]

    return at


def _with_excursion(rounds: Callable[[float], Metres], excursion: Excursion) -> Callable[[float], Metres]:
    """Leave the round where it is at the begin, come back to where it is at the end."""
    begin_s, third_s = excursion.begins.total_seconds(), excursion.lasts / timedelta(seconds=3)
    end_s = begin_s + 3 * third_s
    there = _polar(excursion.bearing_rad, excursion.team.radius_m + excursion.beyond_m)

    def at(second: float) -> Metres:
        if not begin_s <= second <= end_s:
            return rounds(second)
        if second < begin_s + third_s:
            return _between(rounds(begin_s), there, (second - begin_s) / third_s)
        if second < end_s - third_s:
            return there
        return _between(rounds(end_s), there, (end_s - second) / third_s)

    return at


def _polar(turn_rad: float, distance_m: float) -> Metres:
    return distance_m * math.sin(turn_rad), distance_m * math.cos(turn_rad)


def _between(a: Metres, b: Metres, part: float) -> Metres:
    return a[0] + (b[0] - a[0]) * part, a[1] + (b[1] - a[1]) * part
