"""Carries runs of records through a hop: retries for ever, isolates poison, commits with the offset (G1-G3)."""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import fields, replace
from datetime import UTC, datetime

from aiokafka.structs import ConsumerRecord

from schemas.codec import header_text
from schemas.errors import BackpressureError, ConflictError, OverloadError, PoisonMessageError
from schemas.events import DeadLetter, Reason
from schemas.store.abstract import Commit, Offset, StreamStore
from schemas.topics import SOURCE_HEADER, Topic
from streams.headway import NO_LAG, Lag
from streams.metrics import BATCH_SECONDS, RECORDS, REFUSED, RETRIES
from streams.poison import PoisonGauge
from streams.reach import Reach
from streams.sources.checks import NEWEST, OLDEST
from streams.transport import Run
from streams.turns import Turns
from streams.watermark import Place, Watermark

logger = logging.getLogger(__name__)

Records = Sequence[ConsumerRecord]

#: Waits between two tries while something outside is away, in seconds; the last one repeats.
BACKOFF_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
#: A part that took too long so often is done in halves.
SLOW_TRIES = 2


class Hop(ABC):
    """One step of the pipeline: turns records of a partition into what must be written."""

    #: Name in the pipeline table, in metrics and in the stored offsets.
    name: str
    #: The topic it reads.
    topic: Topic
    #: Partitions that it works on at the same time: while one waits for the database, another goes on.
    at_once: int = 1

    async def load(self, place: Place) -> None:  # noqa: B027 -- most hops have no state to load
        """Read the state of a partition from the store (again)."""

    @abstractmethod
    async def work(self, place: Place, records: Records) -> Commit:
        """Decide what these records change. May send to the next topic; must not write to the store itself.

        Raises PoisonMessageError when some record is bad (the caller finds out which), BackpressureError to wait.
        """

    async def tick(self, place: Place, lag: Lag) -> Commit | None:  # noqa: ARG002 -- most hops wait for records only
        """Say what the mere passing of time changes in a partition, `lag` behind the world; None: nothing."""
        return None

    def keeps(self, place: Place) -> int | None:  # noqa: ARG002 -- most hops are done with what they have worked
        """Give the first offset that the hop would need again after a restart, as it still holds something of it."""
        return None

    def hurry(self, place: Place, *, on: bool) -> None:  # noqa: B027 -- most hops hold nothing
        """Hold nothing from now on (or hold again): so that what is bad shows with the record that it came with."""

    async def salvage(self, place: Place, record: ConsumerRecord, error: PoisonMessageError) -> Commit:  # noqa: ARG002 -- place is for hops with state
        """Save what can be saved of one bad record; by default all of it becomes one dead letter."""
        return Commit(dead_letters=[dead_letter(record, error)])

    def rows(self, record: ConsumerRecord) -> int:  # noqa: ARG002 -- for hops that refuse parts of records
        """Give how many dead letters `salvage` makes when all of a record is bad."""
        return 1


class Carrier:
    """Feeds one hop; `carry` ends only when the run is durable, but for what the hop holds (or when it is cancelled).

    Raises TooMuchPoisonError when too much had to be isolated; what was, is written by then.

    The watermark then knows the run as finished, and how far the hop has stored: the broker is told no more than that.
    """

    def __init__(
        self,
        hop: Hop,
        store: StreamStore,
        watermark: Watermark,
        *,
        gauge: PoisonGauge | None = None,
        on_ready: Callable[[str, str], None] = lambda _hop, _problem: None,
    ) -> None:
        self.hop = hop
        self._gauge = gauge or PoisonGauge(1.0)  # which nothing exceeds
        self._store = store
        self._watermark = watermark
        self._on_ready = on_ready
        self._reach: dict[Place, Reach] = {}
        self._turns = Turns(hop.at_once)
        self._broken: set[Place] = set()
        self._carrying = 0

    @property
    def carrying(self) -> bool:
        """Tell whether a run is under way or waits for its turn."""
        return self._carrying > 0

    @property
    def working(self) -> bool:
        """Tell whether a run or a tick is being worked."""
        return self._turns.taken

    def quiet(self) -> AbstractAsyncContextManager[None]:
        """Wait until no run and no tick is under way, and let none begin: for a takeover of partitions."""
        return self._turns.all()

    async def resume(self, place: Place, next_offset: int) -> None:
        """Take a partition over: forget what was known of it, load its state, go on at an offset; hold `quiet`."""
        await self.hop.load(place)
        self._reach[place] = Reach(next_offset, next_offset)
        self._broken.discard(place)

    async def carry(self, run: Run) -> None:
        """Make one run durable: split at poison, wait out what is away, then report it finished."""
        self._carrying += 1
        try:
            async with self._turns.of(run.ticket.place):
                if not self._watermark.current(run.ticket):  # taken over meanwhile, perhaps at an earlier place
                    return
                if run.ticket.place in self._broken:  # the run before it was not finished: never leave it out
                    return
                await self._carry(run)
        finally:
            self._carrying -= 1
        self._on_ready(self.hop.name, "")
        self._keep(run.ticket.place)
        self._watermark.finish(run.ticket, self.hop.name)

    async def tick(self, lag_of: Callable[[Place], Lag | None] = lambda _place: NO_LAG) -> None:
        """Let time pass in every partition that is ours, in between two runs; not where `lag_of` gives None."""
        for place in [place for place in self._watermark.places() if place in self._reach]:
            async with self._turns.of(place):
                lag = lag_of(place)  # asked for here: partitions may have moved while we waited
                if lag is not None and self._watermark.position(place) is not None and place not in self._broken:
                    await self._tick(place, lag)

    async def _tick(self, place: Place, lag: Lag) -> None:
        try:
            await self._recall(place)
            commit = await self.hop.tick(place, lag)
            if commit is not None:
                await self._commit(place, (), commit)
        except PoisonMessageError as error:
            parts: list[Records] = []
            await self._isolate(place, (), parts, error)
            await self._work_off(place, parts)
        except (BackpressureError, ConflictError) as error:
            await self._wait(0, error)
            await self._resync(place, conflict=isinstance(error, ConflictError))
            self._on_ready(self.hop.name, "")  # the store answers again
        self._keep(place)

    def _keep(self, place: Place) -> None:
        self._watermark.keep(place, self.hop.name, self._reach[place].stored)

    async def _carry(self, run: Run) -> None:
        place = run.ticket.place
        try:
            if run.ticket.restarted:
                await self._restart(place, run.ticket.first)
            await self._work_off(place, [run.records])
        except BaseException:
            self._broken.add(place)
            raise

    async def _work_off(self, place: Place, parts: list[Records]) -> None:
        """Make parts of a run durable, one after the other; poison splits them, and a store that takes too long."""
        tries = slow = 0
        while parts:
            part = _from(parts.pop(0), self._reach[place].read)
            if not part:
                continue
            try:
                await self._do(place, part)
            except PoisonMessageError as error:
                await self._isolate(place, part, parts, error)
            except (BackpressureError, ConflictError) as error:
                slow = slow + 1 if isinstance(error, OverloadError) else 0
                parts[0:0] = _halves(part) if slow >= SLOW_TRIES else [part]
                slow %= SLOW_TRIES
                await self._wait(tries, error)
                await self._resync(place, conflict=isinstance(error, ConflictError))
                tries += 1
            else:
                tries = slow = 0
        self.hop.hurry(place, on=False)

    async def _do(self, place: Place, part: Records) -> None:
        await self._recall(place)
        with BATCH_SECONDS.labels(self.hop.name).time():
            commit = await self.hop.work(place, part)
            await self._commit(place, part, commit)
        self._gauge.count(len(part), 0)

    async def _recall(self, place: Place) -> None:
        """Give the hop what it had read before its memory was lost; to do so twice changes nothing."""
        reach = self._reach[place]
        if again := reach.again():
            await self._commit(place, (), await self.hop.work(place, again))
        self._reach[place] = replace(self._reach[place], forgot=False)

    async def _commit(self, place: Place, part: Records, commit: Commit) -> None:
        before = self._reach[place]
        reach = before.beyond(part, self.hop.keeps(place))
        if reach.stored > before.stored or not part or _changes(commit):
            offset = Offset(
                self.hop.name, place.topic, place.partition, reach.stored, reach.stamp_ms, expected=before.stored
            )
            # Shielded: a cancel between COMMIT and its answer would leave the outcome unknown to us.
            done = await asyncio.shield(self._store.commit(replace(commit, offset=offset)))
            REFUSED.labels(self.hop.name, Reason.ID_CONFLICT).inc(done.conflicts)
        self._reach[place] = reach
        RECORDS.labels(self.hop.name, place.topic).inc(len(part))
        for letter in commit.dead_letters:
            REFUSED.labels(self.hop.name, letter.reason).inc()

    async def _isolate(self, place: Place, part: Records, parts: list[Records], error: PoisonMessageError) -> None:
        """Halve until one record is left; that one is salvaged, all others go on.

        The bad one may have come earlier and have been held until now: what is not stored is tried again with it.
        """
        await self._resync(place, conflict=False)
        self.hop.hurry(place, on=True)
        reach = self._reach[place]
        part = [*reach.again(), *part]
        self._reach[place] = reach.rewound()
        if len(part) != 1:
            parts[0:0] = _halves(part)
            return
        logger.warning("record.refused: %s offset %d: %s", place, part[0].offset, error)
        await self._salvage(place, part[0], error)

    async def _salvage(self, place: Place, record: ConsumerRecord, error: PoisonMessageError) -> None:
        """Write what can be saved of a bad record, unless it turns out that somebody else has."""
        tries = 0
        while record.offset >= self._reach[place].read:
            try:
                commit = await self.hop.salvage(place, record, error)
                await self._commit(place, [record], commit)
            except (BackpressureError, ConflictError) as problem:
                await self._wait(tries, problem)
                await self._resync(place, conflict=isinstance(problem, ConflictError))
                tries += 1
            else:
                self._gauge.count(1, len(commit.dead_letters) / self.hop.rows(record))

    async def _wait(self, tries: int, error: Exception) -> None:
        RETRIES.labels(self.hop.name).inc()
        self._on_ready(self.hop.name, str(error))
        logger.warning("hop.waits: %s: %s", self.hop.name, error)
        await asyncio.sleep(BACKOFF_S[min(tries, len(BACKOFF_S) - 1)])

    async def _resync(self, place: Place, *, conflict: bool) -> None:
        """Undo what a failed try left in memory; after a conflict also learn how far somebody else has come."""
        while True:
            try:
                # The offset first: states that are newer than it make the next commit clash again, never pass.
                known = await self._store.offsets(self.hop.name, place.topic) if conflict else []
                await self.hop.load(place)
            except BackpressureError as error:
                await self._wait(len(BACKOFF_S), error)
            else:
                there = [offset.next_offset for offset in known if offset.partition == place.partition]
                self._reach[place] = self._reach[place].lost(max(there, default=0))
                return

    async def _restart(self, place: Place, first: int) -> None:
        """Start over: the broker lost records, its log begins anew, so stored offsets mean nothing now."""
        self._reach[place] = Reach(first, first)
        while True:
            try:
                await self.hop.load(place)  # what it holds has offsets that mean nothing either
                await self._store.reset_offset(Offset(self.hop.name, place.topic, place.partition, first))
            except BackpressureError as error:
                await self._wait(len(BACKOFF_S), error)
            else:
                return


def _from(part: Records, offset: int) -> Records:
    """Leave out the records before an offset: mostly none."""
    return part if part and part[0].offset >= offset else [record for record in part if record.offset >= offset]


def _halves(part: Records) -> list[Records]:
    middle = len(part) // 2
    return [part[:middle], part[middle:]]


def _changes(commit: Commit) -> bool:
    """Say whether there is anything to write but the offset."""
    return any(len(getattr(commit, field.name) or ()) for field in fields(commit) if field.name != "offset")


def received_at(record: ConsumerRecord) -> datetime:
    """Give the broker's timestamp of a record: the same on every replay, unlike the clock.

    Raises PoisonMessageError (bad_time) for one that is no time: a topic that takes the producer's word (CreateTime)
    holds whatever that wrote, such as microseconds, or -1 for none.
    """
    at = _time_of(record)
    if at is None:
        message = (
            f"the record's timestamp {record.timestamp} is not milliseconds since 1970: set message.timestamp.type="
            f"LogAppendTime on {record.topic} (`canh topics` shows it), then `canh dlq replay`"
        )
        raise PoisonMessageError(Reason.BAD_TIME, message, field="timestamp")
    return at


def _time_of(record: ConsumerRecord) -> datetime | None:
    at_s = record.timestamp / 1000
    return datetime.fromtimestamp(at_s, UTC) if OLDEST.timestamp() <= at_s < NEWEST.timestamp() else None


def headers_of(record: ConsumerRecord) -> dict[str, bytes]:
    """Give the headers of a record; Kafka allows one without a value, which is empty here."""
    return {name: value or b"" for name, value in record.headers or ()}


def dead_letter(record: ConsumerRecord, error: PoisonMessageError, *, source: str | None = None) -> DeadLetter:
    """Make the dead letter of a whole record; the time of one without a time is 1970, so that it can be resolved."""
    headers = headers_of(record)
    name = source if source is not None else header_text(headers, SOURCE_HEADER)
    raw = record.value or b""
    texts = {key: header_text(headers, key) for key in headers}
    return DeadLetter(
        id=DeadLetter.identity(name, error.reason, raw, headers=texts),
        source=name,
        reason=error.reason,
        field=error.field,
        message=str(error),
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        received_at=_time_of(record) or datetime.fromtimestamp(0, UTC),
        raw=raw,
        headers=texts,
    )
