"""Reports of citizens: reads texts.csv (category, urgency, text), gives them over the day at places in both cities."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib import resources

from streams.sources.simulator.abstract import Emission
from streams.sources.simulator.causes import SQUARE_CAMERAS
from streams.sources.simulator.chance import generator
from streams.sources.simulator.daytime import busy
from streams.sources.simulator.kinds import CRASH, CROWD, POWER, ROAD
from streams.sources.simulator.messages import report
from streams.sources.simulator.places import distance_m, offset
from streams.sources.simulator.sites import CAMERAS, sites

CHANNELS, CHANNEL_WEIGHTS = ("app", "zalo", "phone", "web"), (50, 25, 15, 10)
#: Reports in an hour at the busiest time.
MOST_PER_HOUR = 6.0
#: Severity of what the first rules open for a report, by category. It stands here once more, on purpose.
SEVERITY_OF = {CROWD: 3, CRASH: 3, ROAD: 2, POWER: 3}
#: An episode of a report lasts 30 minutes and joins others for 30 more, within 300 m at most.
JOINED_FOR, JOINED_M = timedelta(minutes=60), 300.0


@dataclass(frozen=True, slots=True)
class Told:
    """One report: its number, what it says, where and when."""

    number: str
    text: dict[str, str]  # text, category, channel, urgency
    place: tuple[float, float]
    at: datetime

    @property
    def opens(self) -> bool:
        """Say whether the first rules open an incident for it: a crash always, the rest when it is urgent."""
        category, urgent = self.text["category"], self.text["urgency"] == "urgent"
        return category == "traffic.crash" or (category in SEVERITY_OF and urgent)


def reports(seed: int, start: datetime, end: datetime) -> Iterator[Emission]:
    """Give all reports as messages."""
    for one in told(seed, start, end):
        yield report(one.number, one.text, one.place, one.at, 2.0)


def told(seed: int, start: datetime, end: datetime) -> Iterator[Told]:
    """Give reports at random times (a Poisson stream thinned by the time of day).

    Nobody tells again what another one told nearby, nor of what a crowd on a square would be joined with: every
    report that opens an incident opens one of its own.
    """
    opened: list[Told] = []
    for one in _drawn(seed, start, end):
        if one.opens:
            if any(_joined(one, other) for other in opened) or _of_a_square(one):
                continue
            opened.append(one)
        yield one


def _drawn(seed: int, start: datetime, end: datetime) -> Iterator[Told]:
    chance = generator(seed, "reports")
    at, number = start, 0
    while (at := at + timedelta(seconds=round(chance.expovariate(MOST_PER_HOUR / 3600), 1))) < end:
        if chance.random() > busy(at):
            continue
        number += 1
        category, urgency, text = chance.choice(texts())
        near = chance.choice(sites(CAMERAS))
        place = offset(near.lon, near.lat, chance.uniform(-400, 400), chance.uniform(-400, 400))
        channel = chance.choices(CHANNELS, CHANNEL_WEIGHTS)[0]
        body = {"text": text, "category": category, "channel": channel, "urgency": urgency}
        yield Told(f"pa-{start:%Y%m%d%H%M}-{seed}-{number:04d}", body, place, at)


def _joined(one: Told, other: Told) -> bool:
    """Say whether two reports would be one incident."""
    same = one.text["category"] == other.text["category"] and one.at - other.at <= JOINED_FOR
    return same and distance_m(one.place, other.place) <= JOINED_M


def _of_a_square(one: Told) -> bool:
    squares = [(camera.lon, camera.lat) for camera in sites(CAMERAS) if camera.id in SQUARE_CAMERAS]
    return one.text["category"] == CROWD and any(distance_m(one.place, place) <= 2 * JOINED_M for place in squares)


@cache
def texts() -> tuple[tuple[str, str, str], ...]:
    """Give (category, urgency, text) of all reports that a citizen may make."""
    raw = resources.files(__package__).joinpath("texts.csv").read_text(encoding="utf-8")
    return tuple((row["category"], row["urgency"], row["text"]) for row in csv.DictReader(raw.splitlines()))
