"""Holds events until none that happened before them can still come: rows in order of arrival in, settled rows out.

The clock is that of the events: the newest time at which one of them was known to have happened, which is the event's
own time, or the broker's where the sender's clock is ahead of it. All of it follows from the log alone, so a replay
settles the same rows in the same order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import compress
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from schemas.events import ObservationBatch, PriorityEvent
from streams.hop import Records
from streams.store import gather

Rows = ObservationBatch | Sequence[PriorityEvent]
#: Whole numbers of 64 bits: offsets, and times in microseconds since 1970.
Numbers = npt.NDArray[np.int64]

#: Rows of a partition that are held at most (about 50 MB); of more, the oldest settle before their time.
MAX_ROWS = 200_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Part:
    """Rows that were read together, all observations or all events.

    Of each: its time, when the broker had it, and its record's offset.
    """

    rows: Rows
    times: Numbers
    received: Numbers
    offsets: Numbers

    def only(self, mask: npt.NDArray[np.bool_]) -> Part:
        """Give the rows where `mask` is true; no copy when that is all of them."""
        if mask.all():
            return self
        rows: Rows
        if isinstance(self.rows, ObservationBatch):
            rows = ObservationBatch(self.rows.frame.filter(pl.Series(mask)))
        else:
            rows = list(compress(self.rows, mask))
        return Part(rows, self.times[mask], self.received[mask], self.offsets[mask])


class _Held(NamedTuple):
    """A part, when it was read by the wall clock, and between which times its rows lie."""

    part: Part
    read_at: datetime
    first: int
    last: int

    @classmethod
    def of(cls, part: Part, read_at: datetime) -> _Held:
        return cls(part, read_at, int(part.times.min()), int(part.times.max()))


def parts_of(records: Records) -> list[Part]:
    """Read canonical records; raises PoisonMessageError at the first that cannot be read."""
    batches: list[ObservationBatch] = []
    events: list[PriorityEvent] = []
    origins: list[tuple[int, int]] = []
    events_from: list[int] = []
    for record in records:
        found = gather([record])
        if found.observations:
            batches.append(found.observations)
            origins.append((record.offset, len(found.observations)))
        events += found.events
        events_from += [record.offset] * len(found.events)
    found_rows = [_of_batch(ObservationBatch.joined(batches), origins)] if batches else []
    return [*found_rows, _of_events(events, events_from)] if events else found_rows


def _of_batch(batch: ObservationBatch, origins: Sequence[tuple[int, int]]) -> Part:
    times, received = (
        batch.frame.select(pl.min_horizontal(names).to_physical()).to_series().to_numpy()
        for names in (("observed_at", "received_at"), ("received_at",))
    )
    offsets, lengths = zip(*origins, strict=True)
    return Part(batch, times, received, np.repeat(np.array(offsets, np.int64), lengths))


def _of_events(events: Sequence[PriorityEvent], offsets: Sequence[int]) -> Part:
    times = [_number(min(event.observed_at, event.received_at)) for event in events]
    received = [_number(event.received_at) for event in events]
    return Part(events, *(np.array(numbers, np.int64) for numbers in (times, received, offsets)))


class Hold:
    """The held rows of one partition.

    `settle` is how long a row waits, by the clock of the events; while `hurried` is set, none does.
    """

    def __init__(self, settle: timedelta) -> None:
        self._settle = settle // _MICROSECOND
        self.hurried = False
        self._clock: int | None = None
        self._came = 0  # when the broker had the row that the clock stands at
        self._held: list[_Held] = []

    @property
    def clock(self) -> datetime | None:
        """The newest time at which something was known to have happened; None: nothing was read yet."""
        return None if self._clock is None else _time(self._clock)

    @property
    def delay(self) -> timedelta | None:
        """How late the row came that the clock stands at, by the broker's time; None: nothing was read yet."""
        return None if self._clock is None else (self._came - self._clock) * _MICROSECOND

    @property
    def oldest(self) -> datetime | None:
        """The least time of the rows that are held."""
        return _time(min(held.first for held in self._held)) if self._held else None

    @property
    def first_offset(self) -> int | None:
        """The first record that has a row here: it must be read again after a restart."""
        return min((int(held.part.offsets[0]) for held in self._held), default=None)

    def add(self, parts: Sequence[Part], read_at: datetime) -> int:
        """Take rows that were read at a time of the wall clock; gives how many are later than `settle` allows."""
        bound = None if self._clock is None or not self._settle else self._clock - self._settle
        for part in parts:
            self._held.append(_Held.of(part, read_at))
            newest = int(part.times.argmax())
            if self._clock is None or part.times[newest] > self._clock:
                self._clock, self._came = int(part.times[newest]), int(part.received[newest])
        return 0 if bound is None else sum(int((part.times <= bound).sum()) for part in parts)

    def release(self) -> list[Rows]:
        """Give the rows that the clock of the events has left `settle` behind: observations and events apart."""
        if self._clock is None:
            return []
        until = self._clock if self.hurried else self._clock - self._settle
        excess = sum(len(held.part.times) for held in self._held) - MAX_ROWS
        if excess > 0:
            times = np.concatenate([held.part.times for held in self._held])
            until = max(until, int(np.partition(times, excess)[excess]))
        return self._release(until)

    def release_waiting(self, read_to: datetime) -> list[Rows]:
        """Give the rows that have waited for `settle` of the wall clock, for a partition where nothing more comes.

        `read_to` is a time up to which all that came has been read.
        """
        before = read_to - self._settle * _MICROSECOND
        waited = [held.last for held in self._held if held.read_at <= before]
        return self._release(max(waited)) if waited else []

    def _release(self, until: int) -> list[Rows]:
        settled: list[Part] = []
        left: list[_Held] = []
        for held in self._held:
            if held.first > until:  # alarms come one by one, and each is a part: most are all of one or of the other
                left.append(held)
            elif held.last <= until:
                settled.append(held.part)
            else:
                mask = held.part.times <= until
                settled.append(held.part.only(mask))
                left.append(_Held.of(held.part.only(~mask), held.read_at))
        self._held = left
        return _joined([part.rows for part in settled])


def _joined(found: Sequence[Rows]) -> list[Rows]:
    batches = [rows for rows in found if isinstance(rows, ObservationBatch)]
    events = [event for rows in found if not isinstance(rows, ObservationBatch) for event in rows]
    joined: list[Rows] = [ObservationBatch.joined(batches)] if batches else []
    return [*joined, events] if events else joined


def _number(time: datetime) -> int:
    return (time - _EPOCH) // _MICROSECOND


def _time(number: int) -> datetime:
    return _EPOCH + number * _MICROSECOND
