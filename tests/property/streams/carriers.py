"""What the state machine of two workers is made of: a store that fails at will, hops that write rows, and workers."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
from aiokafka.structs import ConsumerRecord

from schemas.errors import BackpressureError, PoisonMessageError
from schemas.events.dead_letter import Reason
from schemas.store.abstract import Commit, Committed, Offset, RuleState
from schemas.store.memory import MemoryStore
from schemas.topics import OBSERVATIONS
from streams.headway import NO_LAG, Lag
from streams.hop import Carrier, Hop, Records
from streams.transport import Run
from streams.watermark import Place, Watermark

PLACE = Place(OBSERVATIONS.name, 0)
HOPS = ("swift", "holding")


def name_of(record: ConsumerRecord) -> str:
    """Give what a record is called: `good 3`, `garbage 4` (nobody can read it), `refused 5` (by the store)."""
    return (record.value or b"").decode()


@dataclass
class Ledger(MemoryStore):
    """A store that notes what it wrote, and fails when it is told to, before or after it has written."""

    trouble: list[str] = field(default_factory=list)
    rows: dict[str, list[str]] = field(default_factory=lambda: {hop: [] for hop in HOPS})
    letters: dict[str, list[str]] = field(default_factory=lambda: {hop: [] for hop in HOPS})

    def __post_init__(self) -> None:
        super().__init__()

    async def commit(self, commit: Commit) -> Committed:
        """Write all or nothing."""
        trouble = self.trouble.pop() if self.trouble else ""
        if trouble == "before":
            raise BackpressureError("away")
        if any(row.key.startswith("refused") for row in commit.rule_states):
            raise PoisonMessageError(Reason.REFUSED_BY_STORE, "no")
        done = await super().commit(commit)  # raises when somebody else was here
        for row in commit.rule_states:
            self.rows[row.rule].append(row.key)
        for letter in commit.dead_letters:
            self.letters[letter.source].append(letter.id)
        if trouble == "after":
            raise BackpressureError("no answer")
        return done

    def done(self, hop: str) -> set[str]:
        """Give the names of all records that a hop has made durable in some way."""
        return {*self.rows[hop], *self.letters[hop]}


class Writing(Hop):
    """Writes a row for each record; the holding one holds two back until more come, or time passes."""

    topic = OBSERVATIONS

    def __init__(self, name: str) -> None:
        self.name = name
        self.most = self.left = 2 if name == "holding" else 0
        self.held: list[ConsumerRecord] = []

    async def load(self, place: Place) -> None:
        """Forget what was held: it comes again."""
        self.held = []

    async def work(self, place: Place, records: Records) -> Commit:
        """Refuse what cannot be read; write the rows that have waited."""
        if any(name_of(record).startswith("garbage") for record in records):
            raise PoisonMessageError(Reason.BAD_JSON, "garbage")
        self.held += records
        return self._written(self.left)

    async def tick(self, place: Place, lag: Lag) -> Commit | None:
        """Write what waits."""
        return self._written(0) if self.held else None

    def keeps(self, place: Place) -> int | None:
        """Give the first record that waits."""
        return self.held[0].offset if self.held else None

    def hurry(self, place: Place, *, on: bool) -> None:
        """Hold nothing while a bad record is looked for."""
        self.left = 0 if on else self.most

    async def salvage(self, place: Place, record: ConsumerRecord, error: PoisonMessageError) -> Commit:
        """Make a dead letter that says which hop refused which record."""
        (letter,) = (await super().salvage(place, record, error)).dead_letters
        return Commit(dead_letters=[msgspec.structs.replace(letter, source=self.name, id=name_of(record))])

    def _written(self, left: int) -> Commit:
        done = self.held[: max(len(self.held) - left, 0)]
        self.held = self.held[len(done) :]
        return Commit(rule_states=[RuleState(self.name, name_of(each), PLACE.topic, 0, b"x") for each in done])


class Worker:
    """A worker of the partition: what was read waits in a queue for each hop."""

    def __init__(self, store: Ledger) -> None:
        self.store = store
        self.watermark = Watermark()
        self.carriers = {name: Carrier(Writing(name), store, self.watermark) for name in HOPS}
        self.queues: dict[str, deque[Run]] = {name: deque() for name in HOPS}

    async def take_over(self, log: Sequence[ConsumerRecord]) -> None:
        """Go on from what the database says, as streams/app.py does: from the beginning if the log is another one."""
        starts = []
        for name, carrier in self.carriers.items():
            stored = next(iter(await self.store.offsets(name, PLACE.topic)), Offset(name, PLACE.topic, 0, 0))
            at = stored.next_offset
            if at > len(log) or (at and stored.stamp_ms is not None and log[at - 1].timestamp != stored.stamp_ms):
                at = 0
                await self.store.reset_offset(Offset(name, PLACE.topic, 0, 0))
            await carrier.resume(PLACE, at)
            starts.append(at)
        self.watermark.revoke(PLACE)
        self.watermark.assign(PLACE, min(starts))

    def read(self, log: Sequence[ConsumerRecord], count: int) -> None:
        """Fetch on from the position; one beyond the log's end is set to its beginning by the client."""
        position = self.watermark.position(PLACE)
        assert position is not None
        run = list(log[0 if position > len(log) else position :][:count])
        if run:
            ticket = self.watermark.read(PLACE, run[0].offset, run[-1].offset, frozenset(HOPS))
            assert ticket is not None
            for queue in self.queues.values():
                queue.append(Run(ticket, run))

    async def deliver(self, name: str) -> None:
        """Let a hop do its next run."""
        if self.queues[name]:
            await self.carriers[name].carry(self.queues[name].popleft())

    async def finish(self) -> None:
        """Let both hops do all that they were given."""
        for name in HOPS:
            while self.queues[name]:
                await self.deliver(name)

    async def tick(self) -> None:
        """Let time pass."""
        for carrier in self.carriers.values():
            await carrier.tick(lambda _place: NO_LAG)
