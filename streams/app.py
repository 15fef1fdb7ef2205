"""The only file that builds a Faust app: one app (one consumer) per lane, one agent per hop of the pipeline table."""

from __future__ import annotations

import asyncio
import logging
import shutil
import tempfile
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from time import monotonic
from typing import Any

import faust
import faust.streams
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition
from yarl import URL

from schemas.errors import BackpressureError, SettingsError
from schemas.events import Lane
from schemas.store.abstract import Offset, StreamStore
from streams.headway import Headway, Lag
from streams.hop import Carrier, Hop
from streams.metrics import DELETED_UNREAD
from streams.pipeline import step_before
from streams.poison import PoisonGauge
from streams.survey import Surveyor
from streams.transport import LogReader, Run, SafeTransport
from streams.turns import Crew
from streams.watermark import Place

logger = logging.getLogger(__name__)

#: A stop waits so long for runs that are under way, then leaves them: they are done again after the next start.
FINISH_S = 10.0
#: Most records that are handed over at once, of all partitions. Large runs cost worker and database half as much a row;
#: an alarm does not wait behind its like.
MAX_HANDED = {Lane.BULK: 100_000, Lane.PRIORITY: 2_000}
#: Most bytes that the broker gives of one partition at once: a full run of small readings.
FETCH_BYTES = 4 * 1024 * 1024
#: Runs of a hop that wait for their turn here; more of them wait in Faust's buffer.
WAITING = 2
#: Between two looks for the place to go on from, while database or broker are away.
RESUME_EVERY_S = 1.0


class LaneApp:
    """A lane's hops as Faust agents over the safe transport."""

    def __init__(
        self,
        lane: Lane,
        bootstrap: str,
        store: StreamStore,
        hops: Sequence[Hop],
        *,
        worker_id: str = "",
        poison_ratio: float = 1.0,
        on_ready: Callable[[str, str], None] = lambda _hop, _problem: None,
    ) -> None:
        _assert_safe_faust()
        self.name = lane.value
        self._on_ready = on_ready
        self._problems: dict[str, str] = {}
        self._told_deleted: dict[tuple[str, str, int], int] = {}
        self._fatal: Exception | None = None
        self._stopping = False
        self._impatient = False
        self._store = store
        self._bootstrap = bootstrap
        self._hops = hops
        self._scratch = tempfile.mkdtemp(prefix="canh-faust-")
        weakref.finalize(self, shutil.rmtree, self._scratch, ignore_errors=True)
        self.faust = self._build(lane, worker_id)
        transport: SafeTransport = self.faust.transport
        self.watermark = transport.watermark
        self._carriers = {
            hop.name: Carrier(hop, store, self.watermark, gauge=PoisonGauge(poison_ratio), on_ready=self._note)
            for hop in hops
        }
        before = {hop.topic.name: step_before(hop.topic) for hop in hops}
        self._headway = Headway({name: step.reads.name if step else None for name, step in before.items()})
        self._surveyor = Surveyor(bootstrap, store, before, {step for step in before.values() if step is not None})
        for hop in hops:
            self._add_agent(hop)

    async def start(self) -> None:
        """Join the group and begin; returns before partitions are assigned."""
        await self.faust.start()

    async def tick(self, every_s: float = 1.0) -> None:
        """Let time pass for the hops, for ever, as far as the world has been heard of: silence is news too."""
        await asyncio.gather(
            self._look_round(every_s), *(self._pass_time(carrier, every_s) for carrier in self._carriers.values())
        )

    async def stop(self) -> None:
        """Finish what is under way (no longer than FINISH_S), tell the broker how far it came, leave."""
        self._stopping = True
        stopping = asyncio.ensure_future(self.faust.stop())
        await asyncio.wait({stopping}, timeout=FINISH_S)
        self._impatient = True
        await stopping

    def crashed(self) -> BaseException | None:
        """Give what ended the app, None while it runs."""
        if self._fatal is not None:
            return self._fatal
        return self.faust.crash_reason if self.faust.crashed else None

    def problems(self) -> dict[str, str]:
        """Give what each hop waits for now, nothing for hops that work."""
        return {hop: problem for hop, problem in self._problems.items() if problem}

    def assigned(self) -> list[Place]:
        """Give the partitions that this worker has now."""
        return self.watermark.places()

    def left_out(self) -> bool:
        """Tell whether the group has given all partitions to other workers, so that there is nothing to do here."""
        return bool(self.faust.unassigned)

    def _build(self, lane: Lane, worker_id: str) -> faust.App:
        group = f"canh-{lane}-{'-'.join(sorted(hop.name for hop in self._hops))}"
        app = faust.App(
            group,
            # A worker with a name of its own gets its partitions back at once after a crash, and the embedded broker
            # never drops a nameless member that died.
            consumer_group_instance_id=f"{group}-{worker_id}" if worker_id else None,
            broker=[URL(f"kafka://{server}") for server in self._bootstrap.split(",")],
            store="memory://",  # rule state lives in the database
            datadir=self._scratch,  # Faust makes a directory that nothing is written to
            autodiscover=False,
            web_enabled=False,  # no unauthenticated server (P25)
            processing_guarantee="at_least_once",
            topic_allow_declare=False,  # `canh topics` owns the topics
            topic_disable_leader=True,
            stream_wait_empty=True,
            stream_buffer_maxsize=16,  # runs, not records
            stream_publish_on_commit=False,
            broker_commit_interval=1.0,
            broker_session_timeout=15.0,
            broker_heartbeat_interval=3.0,
            broker_max_poll_records=MAX_HANDED[lane],
            consumer_max_fetch_size=FETCH_BYTES,
            consumer_auto_offset_reset="earliest",
            producer_request_timeout=15.0,
        )
        app.transport = SafeTransport(
            app.conf.broker_consumer, app, resume=self._resume, hops_of=self._hops_of, busy=self._busy
        )
        return app

    async def _look_round(self, every_s: float) -> None:
        """Find out again and again how far the lane is behind, and who of those that it stands on is away."""
        try:
            while True:
                await asyncio.sleep(every_s)
                broker = database = ""
                try:
                    self._headway.note(await self._surveyor.ask(), self.watermark.finished)
                except BackpressureError as error:
                    database = str(error)
                except (KafkaError, TimeoutError) as error:
                    broker = f"does not answer: {error!r}"
                self._note("broker", broker)
                self._note("database", database)
        finally:
            await self._surveyor.close()

    async def _pass_time(self, carrier: Carrier, every_s: float) -> None:
        while True:
            await asyncio.sleep(every_s)
            try:
                await carrier.tick(self._lag)
            except Exception as error:  # noqa: BLE001 -- outermost, as in _add_agent
                self._fatal = error
                return

    def _lag(self, place: Place) -> Lag | None:
        """Give how far a partition is behind; None while partitions may be another worker's already."""
        if self._stopping or self.faust.rebalancing:
            return None
        return self._headway.lag(place, monotonic())

    def _busy(self) -> bool:
        return not self._impatient and any(carrier.carrying for carrier in self._carriers.values())

    def _note(self, hop: str, problem: str) -> None:
        self._problems[hop] = problem
        self._on_ready(hop, problem)

    def _hops_of(self, topic: str) -> frozenset[str]:
        return frozenset(hop.name for hop in self._hops if hop.topic.name == topic)

    def _add_agent(self, hop: Hop) -> None:
        carrier = self._carriers[hop.name]

        async def carry(run: Run) -> None:
            try:
                await carrier.carry(run)
            except Exception as error:  # noqa: BLE001 -- outermost: a bug must end the worker, not only this agent
                # The carrier leaves all later runs of that partition alone. If the agent ended, Faust would start it
                # again behind the failed run, and so lose it (P6).
                self._fatal = error

        async def agent(stream: Any) -> None:
            async with Crew(carry, hop.at_once + WAITING) as crew:
                async for run in stream:
                    await crew.begin(run)

        topic = self.faust.topic(hop.topic.name, schema=_RunSchema())
        self.faust.agent(topic, name=f"canh.{hop.name}", concurrency=1)(agent)

    async def _resume(self, log: LogReader, places: Sequence[Place]) -> Mapping[Place, int]:
        """Give where each partition goes on; waits while database or broker are away."""
        async with AsyncExitStack() as held:
            for carrier in self._carriers.values():  # what is under way may still move offsets and states
                await held.enter_async_context(carrier.quiet())
            while True:
                try:
                    starts = await self._starts(log, places)
                except (BackpressureError, KafkaError, TimeoutError) as error:
                    logger.warning("app.waits to go on: %s: %r", self.name, error)
                    self._note("takeover", f"waits: {error!r}")
                    await asyncio.sleep(RESUME_EVERY_S)
                else:
                    self._headway.forget()
                    self._note("takeover", "")
                    return starts

    async def _starts(self, log: LogReader, places: Sequence[Place]) -> dict[Place, int]:
        """Take partitions over; give the least that any of their hops has made durable."""
        bounds = await log.bounds(places)
        starts: dict[Place, int] = {}
        for hop in self._hops:
            mine = [place for place in places if place.topic == hop.topic.name]
            stored = {offset.partition: offset for offset in await self._store.offsets(hop.name, hop.topic.name)}
            lost = await self._lost(bounds, [stored[p.partition] for p in mine if p.partition in stored])
            for place in mine:
                offset = stored.get(place.partition)
                begin = bounds[place][0]
                if place in lost:
                    logger.error("log.lost_records: %s: reading again from %d", place, begin)
                    await self._store.reset_offset(Offset(hop.name, place.topic, place.partition, begin))
                start = begin if offset is None or place in lost else max(offset.next_offset, begin)
                if offset is not None and place not in lost:
                    self._tell_deleted(offset, begin)
                await self._carriers[hop.name].resume(place, start)
                starts[place] = min(start, starts.get(place, start))
        return starts

    def _tell_deleted(self, offset: Offset, begin: int) -> None:
        """Say loudly, once, that retention took records unread (P23); there is nothing left to read."""
        key = (offset.hop, offset.topic, offset.partition)
        first = max(offset.next_offset, self._told_deleted.get(key, 0))
        if first < begin:
            self._told_deleted[key] = begin
            logger.error("log.deleted_unread: %s: %s/%d: records %d to %d", *key, first, begin - 1)
            DELETED_UNREAD.labels(offset.hop, offset.topic).inc(begin - first)

    async def _lost(self, bounds: Mapping[Place, tuple[int, int]], stored: Sequence[Offset]) -> set[Place]:
        """Find partitions whose log is not the one that we read: it ends too early, or holds another record there."""
        lost: set[Place] = set()
        check: dict[Place, Offset] = {}
        for offset in stored:
            place = Place(offset.topic, offset.partition)
            begin, end = bounds[place]
            if offset.next_offset > end:
                lost.add(place)
            elif offset.stamp_ms is not None and begin < offset.next_offset:
                check[place] = offset
        found = await stamps(self._bootstrap, {place: o.next_offset - 1 for place, o in check.items()})
        lost.update(place for place, stamp in found.items() if stamp != check[place].stamp_ms)
        return lost


class _RunSchema(faust.Schema):  # type: ignore[misc]  # Faust has no types
    """Hands a `Run` through Faust's decoding untouched: our hops decode, so Faust can never refuse (P4, P5, P26)."""

    def loads_key(self, app: Any, message: Any, **_: Any) -> Any:  # noqa: ARG002 -- Faust's signature
        return message.key

    def loads_value(self, app: Any, message: Any, **_: Any) -> Any:  # noqa: ARG002 -- Faust's signature
        return message.value


async def stamps(bootstrap: str, wanted: Mapping[Place, int]) -> dict[Place, int]:
    """Read the timestamps of single records (milliseconds); raises KafkaError, or TimeoutError when some do not come.

    -1 stands for a record that is not there.
    """
    if not wanted:
        return {}
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="none")
    await consumer.start()
    try:
        tps = {TopicPartition(place.topic, place.partition): (place, at) for place, at in wanted.items()}
        consumer.assign(list(tps))
        for tp, (_, at) in tps.items():
            consumer.seek(tp, at)
        found: dict[Place, int] = {}
        for _ in range(20):
            for tp, records in (await consumer.getmany(timeout_ms=200, max_records=len(tps) * 4)).items():
                place, at = tps[tp]
                found.setdefault(place, records[0].timestamp if records[0].offset == at else -1)
                consumer.pause(tp)
            if len(found) == len(wanted):
                return found
        raise TimeoutError(f"{bootstrap} gave {len(found)} of {len(wanted)} records")
    finally:
        await consumer.stop()


def _assert_safe_faust() -> None:
    if faust.streams._CStreamIterator is None:  # noqa: SLF001 -- the only place that says it (P9)
        raise SettingsError(
            "Faust's compiled stream iterator is missing, and its Python one loses events on a rebalance. "
            "Unset NO_CYTHON, or reinstall: pip install --force-reinstall faust-streaming"
        )
