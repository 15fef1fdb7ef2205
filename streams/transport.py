"""Faust's Kafka transport made safe: hands over whole runs of records and commits only what is durable.

Replaces, of Faust 0.15.3's consumer, the parts that can commit past unfinished work (P1-P10 of
docs/decisions/0002-faust-made-safe.md): acknowledgements move nothing here, only `Watermark` does; on assignment a
partition is sought to the database's offset, never to the broker's.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka.errors import IllegalStateError
from aiokafka.structs import ConsumerRecord, TopicPartition
from faust.transport.drivers import aiokafka as driver
from faust.types.tuples import ack_lock

from schemas.errors import BackpressureError
from streams.fetch import FetchThread
from streams.lean import use_lean_records
from streams.metrics import DELETED_UNREAD
from streams.restraint import about_bytes
from streams.watermark import Place, Ticket, Watermark

logger = logging.getLogger(__name__)

#: Faust gives a seek 90 s (broker_request_timeout), and when they are over it stops seeking in silence, for ever: a
#: seek that takes longer than this is a crash, which a supervisor sees.
SEEK_S = 60.0
POLL_S = 0.02

#: Records of one run at most: the event loop stands still while one is worked. The embedded broker gives a whole
#: partition at once, however much was asked for.
MOST_RECORDS = 20_000
#: Bytes of one run of long records at most. What a run costs for each of its devices is little there, and the database
#: has its first rows in a third of the time. With short ones, each of another device, half a run costs far more than
#: half.
MOST_BYTES = 1_500_000
#: Records are long from this mean size on: they carry many readings each, or a picture.
LONG_BYTES = 1_000

#: Asks the database where each partition goes on; gives the offset, and may look into the log to check it.
Resume = Callable[["LogReader", Sequence[Place]], Awaitable[Mapping[Place, int]]]


@dataclass(frozen=True, slots=True)
class Run:
    """A fetched run of records of one partition: what a hop receives as one message."""

    ticket: Ticket
    records: Sequence[ConsumerRecord]


class LogReader:
    """Looks into the log for `Resume`: where a partition begins and ends."""

    def __init__(self, consumer: BatchConsumer) -> None:
        self._consumer = consumer

    async def bounds(self, places: Sequence[Place]) -> dict[Place, tuple[int, int]]:
        """Give (first offset kept, next offset to be written) of each partition."""
        tps = [TopicPartition(place.topic, place.partition) for place in places]
        begin = await self._consumer.earliest_offsets(*tps)
        end = await self._consumer.highwaters(*tps)
        return {Place(tp.topic, tp.partition): (begin[tp], end[tp]) for tp in tps}


def cut(records: Sequence[ConsumerRecord]) -> Iterator[Sequence[ConsumerRecord]]:
    """Cut what was fetched into runs of MOST_RECORDS or about MOST_BYTES, all about as long; nothing gives nothing."""
    parts, size = -(-len(records) // MOST_RECORDS), about_bytes(records)
    if size >= LONG_BYTES * len(records):
        parts = min(max(parts, -(-size // MOST_BYTES)), len(records))
    for part in range(parts):
        yield records[len(records) * part // parts : len(records) * (part + 1) // parts]


class _AlwaysUnknown(dict[Any, Any]):
    """Switches off Faust's read-offset guard, which drops records in silence when a log begins anew (P12)."""

    def __getitem__(self, key: Any) -> None:
        return None


class BatchConsumer(driver.Consumer):  # type: ignore[misc]  # Faust has no types
    """Yields one message per run of records; its value is a `Run`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        transport: SafeTransport = self.transport
        self.watermark = transport.watermark
        self._hops_of = transport.hops_of
        self._resume = transport.resume
        self._busy = transport.busy
        self._seeking = asyncio.Lock()
        self._seeks = 0  # how often we went elsewhere
        self._dropped = False  # records were fetched and not handed over
        self._holes: dict[Place, int] = {}
        self._read_offset = _AlwaysUnknown()
        self._committed: dict[Place, int] = {}

    def _new_consumer_thread(self) -> FetchThread:
        return FetchThread(self, loop=self.loop, beacon=self.beacon)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[Any, Any]]:  # noqa: ASYNC109 -- Faust's signature
        """Fetch, and hand over each partition's records as one message."""
        if self._dropped and self.flow_active:
            await self._read_again()
        seeks = self._seeks
        records, active = await self._wait_next_records(timeout)
        generation = self.app.consumer_generation_id
        if records is None or self.should_stop:
            return
        if not self.flow_active or self._seeks != seeks:
            self._dropped = bool(records) or self._dropped  # fetched before we sought, perhaps: read again to be sure
            return
        if records and self._thread.reconnected():
            await self._check_log()
            return
        for tp, fetched in records.items():
            asked = active is None or tp in active or tp in self._buffered_partitions
            for run in cut(fetched if asked else ()):
                if not self.flow_active or self.app.consumer_generation_id != generation or self._seeks != seeks:
                    self._dropped = True
                    return
                message = await self._message(tp, run)
                if message is None:
                    break  # nor what follows it: it is read again, or by somebody else
                yield tp, message

    async def _read_again(self) -> None:
        """Go back to what was handed over last: nothing new may ever come that would show the hole."""
        self._dropped = False
        assigned = self.assignment()
        positions = {}
        for place in self.watermark.places():
            tp = TopicPartition(place.topic, place.partition)
            position = self.watermark.position(place)
            if tp in assigned and position is not None:
                positions[tp] = position
        try:
            await self.seek_wait(positions)
        except IllegalStateError:  # some are not ours any more: the rebalance seeks
            self._dropped = True

    async def _message(self, tp: Any, run: Sequence[ConsumerRecord]) -> Any:
        place = Place(tp.topic, tp.partition)
        if not await self._continues(tp, place, run[0].offset):
            return None
        hops, size = self._hops_of(tp.topic), about_bytes(run)
        ticket = self.watermark.read(place, run[0].offset, run[-1].offset, hops, size)
        if ticket is None:
            return None
        if ticket.restarted:
            logger.warning("log.went_back: %s is read again from offset %d", place, run[0].offset)
        message = self._to_message(tp, run[-1])
        message.value = Run(ticket, run)
        return message

    async def _continues(self, tp: Any, place: Place, first: int) -> bool:
        """Tell whether a run follows on what was handed over; a hole is read a second time before it is believed."""
        position = self.watermark.position(place)
        if position is None or first <= position:
            return True
        if self._holes.get(place) == position:
            logger.error("log.hole: %s: records %d to %d were deleted unread", place, position, first - 1)
            for hop in self._hops_of(place.topic):
                DELETED_UNREAD.labels(hop, place.topic).inc(first - position)
            return True
        self._holes[place] = position
        try:
            await self.seek_wait({TopicPartition(tp.topic, tp.partition): position})
        except IllegalStateError:  # not ours any more
            logger.info("log.hole: %s was taken away", place)
        return False

    async def _check_log(self) -> None:
        """Finish what is in hand, then go on as after a rebalance: a broker that was restarted may have lost records.

        Without this, new records that have filled up the log beyond our position would hide those before it.
        """
        while self.watermark.unfinished() and self.flow_active and not self.should_stop:  # noqa: ASYNC110 -- as below
            await asyncio.sleep(POLL_S)
        if self.flow_active and not self.should_stop:
            await self.perform_seek()

    async def wait_empty(self) -> None:
        """Wait for the runs that hops are working on, no others.

        Faust would wait for ever for a run that a slower hop has not begun: its queue was cleared, nobody acknowledges.
        """
        while not self.should_stop and self._busy():  # noqa: ASYNC110 -- three things can end it, in two threads
            await asyncio.sleep(POLL_S)
        await self.commit_and_end_transactions()

    def ack(self, message: Any) -> bool:
        """Take note that Faust is done with a message; says nothing about offsets (P1-P9)."""
        message.acked = True
        self._unacked_messages.discard(message)
        return True

    async def perform_seek(self) -> None:
        """Go on where the database says, not where the broker says (G3)."""
        try:
            async with asyncio.timeout(SEEK_S), self._seeking:
                await self._seek_to_durable()
        except TimeoutError as error:
            raise BackpressureError(f"no place to go on from was found within {SEEK_S:.0f} s") from error

    async def _seek_to_durable(self) -> None:
        self._thread.reconnected()  # what is asked from here on is asked of the broker as it is now
        places = [Place(tp.topic, tp.partition) for tp in self.assignment()]
        offsets = await self._resume(LogReader(self), places)
        for place in self.watermark.places():
            self.watermark.revoke(place)
        for place, offset in offsets.items():
            self.watermark.assign(place, offset)
        self._committed.clear()
        self._holes.clear()
        await self.seek_wait({TopicPartition(p.topic, p.partition): offset for p, offset in offsets.items()})
        self._seeks += 1

    async def force_commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:  # noqa: ARG002, FBT001, FBT002 -- Faust's signature
        """Tell the broker how far the durable work has come (for lag displays; the database is the truth)."""
        with ack_lock:  # Faust's own lists: nobody reads them here, and they would grow for ever
            self._acked.clear()
            self._acked_index.clear()
        wanted: dict[Any, int] = {}
        for place in self.watermark.places():
            offset = self.watermark.committable(place)
            if offset is not None and offset != self._committed.get(place, 0):
                wanted[TopicPartition(place.topic, place.partition)] = offset
        if not wanted or not await self._commit(wanted):
            return False
        self._committed.update({Place(tp.topic, tp.partition): offset for tp, offset in wanted.items()})
        return True


class SafeTransport(driver.Transport):  # type: ignore[misc]  # Faust has no types
    """Faust's Kafka transport with our consumer; knows which hops read a topic, how to resume, and who is busy."""

    Consumer = BatchConsumer

    def __init__(
        self,
        *args: Any,
        resume: Resume,
        hops_of: Callable[[str], frozenset[str]],
        busy: Callable[[], bool],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        use_lean_records()
        self.watermark = Watermark()
        self.resume = resume
        self.busy = busy
        self.hops_of = hops_of
