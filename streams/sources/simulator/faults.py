"""Scenario sensor-faults: six hours of sensors that fall silent, drift, stick, run fast, repeat themselves or lag."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

import msgspec

from schemas.events import Text
from streams.sources.simulator.abstract import Emission, Expected, Scenario, Window
from streams.sources.simulator.chance import generator
from streams.sources.simulator.kinds import SENSOR_SILENT
from streams.sources.simulator.messages import in_order
from streams.sources.simulator.sensors import air_station, noise_meter, rain_gauge, street_sensor
from streams.sources.simulator.sites import AIR, CADENCE_S, NOISE, RAIN, STREET, Site, site, sites

DURATION = timedelta(hours=6)
FAULT_FROM, FAULT_TO = timedelta(hours=2), timedelta(hours=4)
#: How far a clock runs ahead: more than the 5 minutes after which an event is marked `future`.
#: The 7 seconds keep its times off those that it writes once the clock is right again: those would be conflicts.
CLOCK_AHEAD = timedelta(minutes=20, seconds=7)
#: One reading in so many comes this late: more than the hour after which an event is marked `late`.
LATE_ONE_IN, LATE_BY = 5, timedelta(minutes=90)
LATE_CADENCE = timedelta(seconds=300)
DRIFT_PER_HOUR = 1.5
STUCK_VALUE = 3.3
#: First rule: silent after three cadences without an event.
SILENT_AFTER_CADENCES = 3

#: What a fault makes of one emission in the time of the fault: none, one or several emissions.
Fault = Callable[[Random, Emission, timedelta], list[Emission]]


def silence(_chance: Random, _emission: Emission, _since: timedelta) -> list[Emission]:
    """Say nothing."""
    return []


def drift(_chance: Random, emission: Emission, since: timedelta) -> list[Emission]:
    """Read a little more with every hour."""
    body = _body(emission)
    return [_with(emission, value=round(body["value"] + DRIFT_PER_HOUR * (since / timedelta(hours=1)), 1))]


def stuck(_chance: Random, emission: Emission, _since: timedelta) -> list[Emission]:
    """Give the same value for ever."""
    return [_with(emission, value=STUCK_VALUE)]


def clock_ahead(_chance: Random, emission: Emission, _since: timedelta) -> list[Emission]:
    """Write a time that has not come yet."""
    at = emission.at + CLOCK_AHEAD
    return [dataclasses.replace(_with(emission, observed_at=at.isoformat()), at=at)]


def repeated(chance: Random, emission: Emission, _since: timedelta) -> list[Emission]:
    """Send the same message one to three times more."""
    again = [timedelta(seconds=round(chance.uniform(1, 100), 1)) for _ in range(chance.randint(1, 3))]
    return [emission, *(dataclasses.replace(emission, send_at=emission.send_at + later) for later in again)]


def late(_chance: Random, emission: Emission, since: timedelta) -> list[Emission]:
    """Keep one reading in five back for 90 minutes; the others pass, so the device is not silent."""
    if since // LATE_CADENCE % LATE_ONE_IN:
        return [emission]
    return [dataclasses.replace(emission, send_at=emission.send_at + LATE_BY)]


#: Each fault befalls two devices of a source. The clock that runs ahead is of a source so slow that the jump alone
#: is no silence.
FAULTS: tuple[tuple[str, Fault], ...] = (
    (STREET, silence),
    (STREET, repeated),
    (NOISE, drift),
    (NOISE, clock_ahead),
    (RAIN, stuck),
    (AIR, late),
)
DEVICES_EACH = 2


def events(seed: int, start: datetime) -> Iterator[Emission]:
    """Give the sensors of a quiet city, some of them at fault from the second to the fourth hour."""
    faults, end = befallen(seed), start + DURATION
    quiet = [
        *((station, air_station(seed, station, start, end, None)) for station in sites(AIR)),
        *((meter, noise_meter(seed, meter, start, end)) for meter in sites(NOISE)),
        *((gauge, rain_gauge(seed, gauge, start, end, None)) for gauge in sites(RAIN)),
        *((sensor, street_sensor(seed, sensor, start, end, None)) for sensor in sites(STREET)),
    ]
    return in_order(_at_fault(seed, device, stream, start, faults.get(device.id)) for device, stream in quiet)


def truth(seed: int, start: datetime) -> list[Expected]:
    """Give one incident for each silent device: no other fault is one for the first rules."""
    return [_silent(site(device), start) for device, fault in befallen(seed).items() if fault is silence]


def befallen(seed: int) -> dict[str, Fault]:
    """Draw which device has which fault; none has two."""
    chance = generator(seed, "faults")
    drawn: dict[str, Fault] = {}
    for source, fault in FAULTS:
        healthy = [candidate.id for candidate in sites(source) if candidate.id not in drawn]
        drawn |= dict.fromkeys(chance.sample(healthy, DEVICES_EACH), fault)
    return drawn


def _at_fault(
    seed: int, device: Site, stream: Iterator[Emission], start: datetime, fault: Fault | None
) -> Iterator[Emission]:
    if fault is None:
        return stream
    chance = generator(seed, "fault", device.id)
    changed: list[Emission] = []
    for emission in stream:
        since = emission.at - start
        faulty = FAULT_FROM <= since < FAULT_TO
        changed += fault(chance, emission, since - FAULT_FROM) if faulty else [emission]
    return iter(sorted(changed, key=lambda emission: emission.send_at))


def _silent(device: Site, start: datetime) -> Expected:
    """Expect it: the last event is at most one cadence before the fault, and noticing may take another cadence."""
    cadence = timedelta(seconds=CADENCE_S[device.source] or 0)
    allowed = SILENT_AFTER_CADENCES * cadence
    begins, ends = start + FAULT_FROM, start + FAULT_TO
    return Expected(
        kind=SENSOR_SILENT,
        lon=device.lon,
        lat=device.lat,
        opened=Window(earliest=begins - cadence + allowed, latest=begins + allowed + cadence),
        severity=1,
        cause=f"{device.title}: silent for {FAULT_TO - FAULT_FROM}",
        devices=(device.id,),
        cleared=Window(earliest=ends, latest=ends + 2 * cadence),
    )


def _body(emission: Emission) -> dict[str, Any]:
    return msgspec.json.decode(emission.payload, type=dict[str, Any])


def _with(emission: Emission, **fields: object) -> Emission:
    return dataclasses.replace(emission, payload=msgspec.json.encode(_body(emission) | fields))


SENSOR_FAULTS = Scenario(
    name="sensor-faults",
    title=Text(vi="Cảm biến hỏng (mô phỏng)", en="Sensor faults (simulated)"),
    duration=DURATION,
    events=events,
    truth=truth,
    late_is_played=True,
    history=FAULT_FROM,  # sent at once, a clock that is 20 minutes ahead would still be behind the broker's
)
