"""What a scenario gives: emissions in the order in which they leave the devices, and the incidents they cause."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas.codec import Headers
from schemas.events import Lane, Text
from schemas.events.base import Record

JSON_HEADERS: tuple[tuple[str, bytes], ...] = (("content-type", b"application/json"),)


@dataclass(frozen=True, slots=True)
class Emission:
    """One raw message: `at` is the event time as the device tells it, `send_at` when it leaves the device.

    `key` is "source/device" (see schemas/topics.py), `lane` that of the source.
    """

    at: datetime
    send_at: datetime
    source: str
    key: str
    payload: bytes
    lane: Lane = Lane.BULK
    headers: tuple[tuple[str, bytes], ...] = JSON_HEADERS

    def header_list(self) -> Headers:
        """Give the headers as the bus takes them."""
        return list(self.headers)


class Window(Record, frozen=True):
    """From when to when something must happen, in event time, both inclusive."""

    earliest: datetime
    latest: datetime

    def holds(self, at: datetime) -> bool:
        """Say whether it happened in time."""
        return self.earliest <= at <= self.latest


class Step(Record, frozen=True):
    """When an incident must reach a severity."""

    severity: int
    window: Window


class Expected(Record, frozen=True):
    """One incident that the scenario causes under the first rules: the ground truth.

    `severity` is the highest one it reaches, `steps` how it gets there. `cleared` is None when no rule's condition
    ends within the scenario. `devices` are the devices (or units) whose events are the evidence. The incident's place
    may be up to `within_m` from `lon`, `lat`.
    """

    kind: str
    lon: float
    lat: float
    opened: Window
    severity: int
    cause: str
    devices: tuple[str, ...]
    steps: tuple[Step, ...] = ()
    cleared: Window | None = None
    within_m: float = 500.0


Events = Callable[[int, datetime], Iterator[Emission]]
Truth = Callable[[int, datetime], list[Expected]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario: `events(seed, start)` and `truth(seed, start)` are pure; `start` is the event time of its begin.

    `start` is the original begin of a historic scenario, None when it may begin at any time. `late_is_played` says
    that lateness and wrong clocks are played: the sources then come without the option that spares a replay the mark
    `late`, and it can only be live, for such faults show against the broker's clock alone. Of a live run at most
    `history` may lie in the past (None: all of it).
    """

    name: str
    title: Text
    duration: timedelta
    events: Events
    truth: Truth
    start: datetime | None = None
    late_is_played: bool = False
    history: timedelta | None = None
