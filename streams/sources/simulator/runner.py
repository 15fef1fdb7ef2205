"""The shell around a scenario: sends its emissions to the raw topics when they are due, and writes its ground truth.

Two modes tell how scenario time and wall time relate:

- `replay`: event times are the scenario's own, from `start` on (by default a historic scenario's original begin; any
  other one then ends now, so that nothing lies in the future). `speed` 60 plays an hour in a minute, 0 sends as fast
  as the broker takes it.
- `live`: the scenario began `history` ago. What lies in the past is sent at once, as fast as the broker takes it;
  then every emission leaves at its own time. `speed` has no meaning here, and a historic scenario cannot be live. One
  that plays lateness and wrong clocks can be nothing else: only beside the broker's clock is a device's clock wrong.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

import msgspec

from schemas.bus.abstract import Message, Publisher
from schemas.errors import BackpressureError, UsageError
from schemas.topics import RAW_OF_LANE, SOURCE_HEADER
from streams.sources.simulator.abstract import Emission, Scenario

#: A send waits for its acknowledgement; so many records at once hide that wait.
BATCH = 500
#: What is due this soon goes along with what is due now.
EARLY = timedelta(milliseconds=50)
#: While the broker is away: wait, repeat, wait longer.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 5.0
DEFAULT_HISTORY = timedelta(hours=3)


class Mode(StrEnum):
    """How scenario time and wall time relate; see the top of this file."""

    REPLAY = "replay"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class Plan:
    """When each emission is due: `start` in event time, `begun` on the wall clock are the same moment of the run."""

    mode: Mode
    speed: float
    start: datetime
    begun: datetime

    def due(self, send_at: datetime) -> datetime:
        """Give the wall time at which an emission leaves; in the past means at once."""
        if self.mode is Mode.LIVE:
            return send_at
        return self.begun + (send_at - self.start) / self.speed if self.speed else self.begun


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: `at` is the event time of what was sent last, `part` of 1, `waiting`: the broker is away."""

    sent: int
    at: datetime
    part: float
    waiting: bool = False


def plan(
    scenario: Scenario,
    now: datetime,
    *,
    mode: Mode | None = None,
    speed: float = 1.0,
    start: datetime | None = None,
    history: timedelta = DEFAULT_HISTORY,
) -> Plan:
    """Decide mode and start; raises UsageError for what cannot be.

    Mode None: live for a scenario without a date of its own at speed 1 and without `start`, else replay.
    """
    if not (math.isfinite(speed) and speed >= 0):
        raise UsageError(f"--speed {speed}: give 0 (as fast as possible) or more, 60 plays an hour in a minute")
    if history < timedelta(0):
        raise UsageError(f"--history-h {history / timedelta(hours=1):g}: give 0 (it begins now) or more hours")
    if mode is None:
        mode = Mode.LIVE if scenario.start is None and start is None and speed == 1 else Mode.REPLAY
    if mode is Mode.LIVE:
        if scenario.start is not None:
            raise UsageError(f"{scenario.name} has its own dates and cannot be live: use mode replay")
        longest = scenario.duration if scenario.history is None else scenario.history
        return Plan(mode, speed, start or now - min(history, longest), now)
    if scenario.late_is_played:
        raise UsageError(
            f"{scenario.name} plays late messages and wrong clocks, which show beside the real time only: "
            "leave out --speed, then it runs live"
        )
    return Plan(mode, speed, start or scenario.start or now - scenario.duration, now)


async def run(
    scenario: Scenario,
    publisher: Publisher,
    how: Plan,
    *,
    seed: int,
    truth_path: Path | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
    stop: asyncio.Event | None = None,
) -> Progress:
    """Play a scenario to its end, or until `stop` is set; gives how far it came.

    The publisher is started and stays so. Every record counted as sent is acknowledged; while the broker is away the
    run waits and repeats, for ever. The truth is written before the first record is sent.
    """
    if truth_path is not None:
        await asyncio.to_thread(_write_truth, truth_path, truth_json(scenario, seed, how.start))
    return await _Run(scenario, publisher, how, seed, progress, stop or asyncio.Event()).play()


def _write_truth(path: Path, text: bytes) -> None:
    try:
        path.write_bytes(text)
    except OSError as error:
        raise UsageError(f"The ground truth cannot be written to {path}: {error.strerror}.") from error


def truth_json(scenario: Scenario, seed: int, start: datetime) -> bytes:
    """Give the ground truth as JSON: scenario, seed, start, end and the expected incidents."""
    document = {
        "scenario": scenario.name,
        "seed": seed,
        "simulated": True,
        "start": start,
        "end": start + scenario.duration,
        "incidents": scenario.truth(seed, start),
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def to_message(emission: Emission) -> Message:
    """Give the record for the raw topic of the emission's lane."""
    return Message(
        topic=RAW_OF_LANE[emission.lane].name,
        value=emission.payload,
        key=emission.key.encode(),
        headers=[(SOURCE_HEADER, emission.source.encode()), *emission.headers],
    )


@dataclass(slots=True)
class _Run:
    scenario: Scenario
    publisher: Publisher
    how: Plan
    seed: int
    report: Callable[[Progress], None]
    stop: asyncio.Event
    sent: int = 0

    async def play(self) -> Progress:
        batch: list[Emission] = []
        done = self._progress(self.how.start)
        for emission in self.scenario.events(self.seed, self.how.start):
            wait = self.how.due(emission.send_at) - datetime.now(UTC)
            if batch and (wait > EARLY or len(batch) >= BATCH):
                done = await self._send(batch, done)
                batch = []
            if wait > EARLY:
                await self._sleep(wait.total_seconds())
            if self.stop.is_set():
                return done
            batch.append(emission)
        return await self._send(batch, done) if batch else done

    async def _send(self, batch: list[Emission], done: Progress) -> Progress:
        """Send until it is acknowledged; only `stop` ends that, and then the batch does not count."""
        messages = [to_message(emission) for emission in batch]
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                await self.publisher.send(messages)
            except BackpressureError:
                self.report(self._progress(done.at, waiting=True))
            else:
                self.sent += len(batch)
                done = self._progress(batch[-1].send_at)
                self.report(done)
                return done
            await self._sleep(pause_s)
            if self.stop.is_set():
                return done
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    async def _sleep(self, seconds: float) -> None:
        """Sleep, but no longer than until `stop` is set."""
        try:
            async with asyncio.timeout(seconds):
                await self.stop.wait()
        except TimeoutError:
            return

    def _progress(self, at: datetime, *, waiting: bool = False) -> Progress:
        part = min(1.0, (at - self.how.start) / self.scenario.duration)
        return Progress(self.sent, at, part, waiting)
