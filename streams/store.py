"""Reads canonical topics, gives rows of the observation and event tables."""

from __future__ import annotations

from dataclasses import replace

import msgspec
from aiokafka.structs import ConsumerRecord

from schemas.codec import encode
from schemas.errors import PoisonMessageError
from schemas.events import DeadLetter, ObservationBatch, PriorityEvent
from schemas.store.abstract import Commit, StreamStore
from schemas.store.content import refused_row
from schemas.topics import SOURCE_HEADER, Topic
from streams.decoded import decoded
from streams.headway import NO_LAG, Lag
from streams.hop import Hop, Records, dead_letter
from streams.pace import Pace
from streams.watermark import Place


class StoreHop(Hop):
    """Writes what normalize has made; the rows' own keys make a repeat harmless.

    Rows are written at once, the newest value of each device at `Pace`: while much comes, most of them are outdated by
    the next run.
    """

    name = "store"
    at_once = 2

    def __init__(self, topic: Topic, store: StreamStore, pace: Pace | None = None) -> None:
        self.topic = topic
        self._store = store
        self._pace = pace or Pace()
        self._hurried: set[Place] = set()

    async def load(self, place: Place) -> None:
        """Begin anew: what the store had been told to write later may be lost."""
        self._pace.forget(place)

    async def work(self, place: Place, records: Records) -> Commit:
        """Join all batches of the run into one write."""
        commit = gather(records)
        due = self._pace.is_due(place, records[0].offset, _rows(commit), hurried=place in self._hurried)
        return replace(commit, newest_later=not due)

    async def tick(self, place: Place, lag: Lag = NO_LAG) -> Commit | None:  # noqa: ARG002 -- rows tell their own time
        """Write what has waited."""
        return Commit() if self._pace.settle(place) else None

    def keeps(self, place: Place) -> int | None:
        """Give the first record whose newest values wait."""
        return self._pace.owed_from(place)

    def hurry(self, place: Place, *, on: bool) -> None:
        """Let nothing wait while a bad record is looked for."""
        (self._hurried.add if on else self._hurried.discard)(place)

    async def salvage(self, place: Place, record: ConsumerRecord, error: PoisonMessageError) -> Commit:
        """Of a batch that the database refuses, write all rows but the bad ones."""
        try:
            commit = gather([record])
        except PoisonMessageError:
            return await super().salvage(place, record, error)
        if commit.observations is None:
            return await super().salvage(place, record, error)
        letters = await self._bisect(record, commit.observations, error)
        return replace(commit, observations=None, dead_letters=letters)

    def rows(self, record: ConsumerRecord) -> int:
        """Give the rows of a batch: each may be bad by itself."""
        try:
            return max(_rows(gather([record])), 1)
        except PoisonMessageError:
            return 1

    async def _bisect(
        self, record: ConsumerRecord, batch: ObservationBatch, error: PoisonMessageError
    ) -> list[DeadLetter]:
        """Write the good rows (repeats are harmless, so no offset is needed yet); give the bad ones."""
        if len(batch) == 1:
            row = batch.row(0)
            letter = dead_letter(record, error, source=row.source)
            identity = DeadLetter.identity(row.source, error.reason, refused_row(batch, 0))
            headers = {SOURCE_HEADER: row.source}
            return [msgspec.structs.replace(letter, id=identity, raw=encode(row), headers=headers)]
        letters: list[DeadLetter] = []
        for half in batch.halves():
            try:
                await self._store.commit(Commit(observations=half))
            except PoisonMessageError as problem:
                letters += await self._bisect(record, half, problem)
        return letters


def _rows(commit: Commit) -> int:
    return len(commit.observations or ())


def gather(records: Records) -> Commit:
    """Decode canonical records; raises PoisonMessageError at the first that cannot be read."""
    batches: list[ObservationBatch] = []
    events: list[PriorityEvent] = []
    for record in records:
        found = decoded(record.value or b"")
        if isinstance(found, ObservationBatch):
            batches.append(found)
        else:
            events.append(found)
    return Commit(observations=ObservationBatch.joined(batches) if batches else None, events=events)
