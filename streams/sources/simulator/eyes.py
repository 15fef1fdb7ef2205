"""Traffic cameras, one stream each: what they usually see, doubtful smoke now and then, and what goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from streams.sources.simulator.abstract import Emission
from streams.sources.simulator.causes import Causes, Crowd, Fire
from streams.sources.simulator.chance import generator
from streams.sources.simulator.daytime import busy, ticks
from streams.sources.simulator.messages import Seen, detection, in_order
from streams.sources.simulator.sites import Site

#: What passes by, with the usual share; a Vietnamese street is full of motorcycles.
LABELS, WEIGHTS = ("motorcycle", "car", "person", "truck", "bus", "bicycle"), (60, 20, 10, 5, 3, 2)
#: Mean number seen at once in the rush hours; never near a crowd.
MOST = {"motorcycle": 25, "car": 8, "person": 6, "truck": 2, "bus": 1, "bicycle": 2}
CADENCE_S = 60.0
#: One sighting in so many is smoke of which the camera is not sure (0.3 to 0.55: below what is listed, 0.6).
DOUBT_ONE_IN = 700
ALARM_EVERY = timedelta(seconds=10)
CROWD_EVERY = timedelta(seconds=20)


def camera(seed: int, site: Site, start: datetime, end: datetime, wrong: Causes | None) -> Iterator[Emission]:
    """Everything that one camera sees, in order."""
    streams = [_traffic(seed, site, start, end)]
    if wrong is not None:
        streams += [fire_seen(seed, fire, start) for fire in wrong.fires if fire.camera.id == site.id]
        streams += [_crowd_seen(seed, wrong.crowd, start)] if wrong.crowd.camera.id == site.id else []
    return in_order(streams)


def fire_seen(seed: int, fire: Fire, start: datetime) -> Iterator[Emission]:
    """Every 10 seconds: smoke at 0.64 to 0.75, then fire at 0.85 to 0.97."""
    chance = generator(seed, "fire", fire.camera.id)
    begins = start + fire.begins
    for i in range(fire.lasts // ALARM_EVERY):
        at = begins + i * ALARM_EVERY
        if i * ALARM_EVERY < fire.sure_after:
            yield detection(fire.camera, Seen("smoke", chance.uniform(0.64, 0.75)), at, 1.0)
        else:
            yield detection(fire.camera, Seen("fire", chance.uniform(0.85, 0.97)), at, 1.0)


def _crowd_seen(seed: int, crowd: Crowd, start: datetime) -> Iterator[Emission]:
    chance = generator(seed, "crowd", crowd.camera.id)
    for i in range(crowd.lasts // CROWD_EVERY):
        count = round(crowd.people * chance.uniform(0.9, 1.1))
        at = start + crowd.begins + i * CROWD_EVERY
        yield detection(crowd.camera, Seen("person", chance.uniform(0.8, 0.95), count), at, 1.0)


def _traffic(seed: int, site: Site, start: datetime, end: datetime) -> Iterator[Emission]:
    chance = generator(seed, site.id)
    delay_s = round(chance.uniform(0.3, 1.5), 3)
    for at in ticks(start, end, CADENCE_S, chance):
        if chance.randrange(DOUBT_ONE_IN) == 0:
            yield detection(site, Seen("smoke", chance.uniform(0.3, 0.55)), at, delay_s)
            continue
        label = chance.choices(LABELS, WEIGHTS)[0]
        count = 1 + int(MOST[label] * busy(at) * chance.random())
        yield detection(site, Seen(label, chance.uniform(0.62, 0.97), count), at, delay_s)
