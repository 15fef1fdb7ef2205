from __future__ import annotations

import asyncio
import itertools
import random
import signal
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from deploy.worker import EXIT_CRASH, EXIT_HANG
from schemas.bus.abstract import Message
from schemas.events import Lane, ObservationBatch, Source
from schemas.store.abstract import Commit, Offset
from schemas.topics import OBSERVATIONS, RAW_BULK, SOURCE_HEADER
from streams import restraint
from streams.app import LaneApp
from streams.hop import Hop, Records
from streams.sources.simulator.scenarios import SCENARIOS
from streams.watermark import Place
from tests.faults.ledger import DEVICES, reading, stored, time_of, value_of
from tests.integration.streams.rig import (
    STOP_S,
    Process,
    Rig,
    group_of,
    members,
    messages_of,
    outcome,
    patiently,
    put_out,
    rig,
    sampling,
    until,
    working,
)
from tests.lag import end_offsets
from tests.servers import BrokerServer, DatabaseServer

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

FLOOD = SCENARIOS["song-ba-flood"]
LEDGER = Source(id="ledger", kind="sensor", format="native", cadence_s=1.0, options={"replay": "true"})


@dataclass
class Watcher(Hop):
    """A hop that notes what it is given."""

    name: str
    wait_s: float = 0.0
    topic = RAW_BULK
    seen: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))

    async def work(self, place: Place, records: Records) -> Commit:
        await asyncio.sleep(self.wait_s)
        self.seen[place.partition] += [record.offset for record in records]
        return Commit()


@asynccontextmanager
async def prepared(broker: BrokerServer, database: DatabaseServer) -> AsyncIterator[tuple[Rig, str]]:
    """Give servers with the demo's world and the ledger's source, at the end of all topics; and the dsn."""
    dsn = database.create_database()
    async with rig(broker.bootstrap, dsn, FLOOD) as test:
        await test.store.put_sources([LEDGER])
        await test.skip()
        yield test, dsn


def raw(number: int) -> Message:
    """Give a numbered reading as a record of the raw topic."""
    return Message(
        RAW_BULK.name, reading(number), key=b"%d" % (number % 500), headers=[(SOURCE_HEADER, b"ledger")]
    )  # fmt: skip


async def feed(test: Rig, total: int, *, pause_s: float = 0.05, size: int = 250) -> None:
    """Send so many numbered readings."""
    for first in range(0, total, size):
        await send_from(test, first, min(size, total - first))
        await asyncio.sleep(pause_s)


async def feed_until(test: Rig, stop: asyncio.Event, *, pause_s: float = 0.1, size: int = 250) -> int:
    """Send numbered readings until told to stop; give how many."""
    first = 0
    while not stop.is_set():
        await send_from(test, first, size)
        first += size
        await asyncio.sleep(pause_s)
    return first


async def send_from(test: Rig, first: int, count: int) -> None:
    batch = [raw(number) for number in range(first, first + count)]
    await patiently(lambda: test.publisher.send(batch))


@asynccontextmanager
async def running(test: Rig, name: str, *hops: Hop) -> AsyncIterator[LaneApp]:
    """Run an app of the bulk lane; it must end in time."""
    app = LaneApp(Lane.BULK, str(test.settings.kafka), test.store, hops, worker_id=name)
    await app.start()
    try:
        yield app
    finally:
        await asyncio.wait_for(app.stop(), STOP_S)


async def test_every_hop_gets_every_record_of_a_partition_once_and_in_order(
    broker: BrokerServer, database: DatabaseServer
) -> None:
    """Whole runs, no hole and no repeat, whatever the hops' speed; Faust's own lists of offsets stay empty."""
    async with prepared(broker, database) as (test, _):
        hops, begin = [Watcher("fast"), Watcher("slow", 0.02)], await ends_of(test)
        for hop, (partition, end) in itertools.product(hops, begin.items()):
            await test.store.reset_offset(Offset(hop.name, RAW_BULK.name, partition, end))
        async with running(test, "one", *hops) as app:
            await feed(test, 4000, pause_s=0.01, size=97)
            ends = await ends_of(test)
            await until(lambda: reached(hops, ends))
            assert sum(map(len, app.faust.consumer._acked.values())) < 100  # emptied at each commit
        for hop in hops:
            for partition, offsets in hop.seen.items():
                assert offsets == list(range(begin[partition], ends[partition]))


async def ends_of(test: Rig) -> dict[int, int]:
    ends = await asyncio.to_thread(end_offsets, str(test.settings.kafka))
    return {partition: end for (topic, partition), end in ends.items() if topic == RAW_BULK.name}


async def reached(hops: list[Watcher], ends: dict[int, int]) -> bool:
    return all(hop.seen[p] and hop.seen[p][-1] == end - 1 for hop in hops for p, end in ends.items() if end)


async def test_no_more_is_fetched_than_a_slow_hop_can_begin(
    broker: BrokerServer, database: DatabaseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a run waits for its hop, its partition is left out of fetches; in the end all has come, in order."""
    monkeypatch.setattr(restraint, "ENOUGH_BYTES", 1)
    runs: list[int] = []

    class Slow(Watcher):
        async def work(self, place: Place, records: Records) -> Commit:
            runs.append(len(app.watermark._progress[place].open))
            return await super().work(place, records)

    hop = Slow("slow", 0.1)
    async with prepared(broker, database) as (test, _):
        begin = await ends_of(test)
        for partition, end in begin.items():
            await test.store.reset_offset(Offset(hop.name, RAW_BULK.name, partition, end))
        async with running(test, "alone", hop) as app:
            await feed(test, 4000, pause_s=0.01, size=97)
            ends = await ends_of(test)
            await until(lambda: reached([hop], ends))
        assert hop.seen == {p: list(range(begin[p], end)) for p, end in ends.items()}
    assert len(runs) > 2 * RAW_BULK.partitions
    assert set(runs) == {1}


async def test_a_rebalance_does_not_wait_for_runs_that_only_one_of_two_hops_has_seen(
    broker: BrokerServer, database: DatabaseServer
) -> None:
    """A second worker gets its share within seconds although the first one's slow hop has a queue (a hang once)."""
    stop = asyncio.Event()
    async with prepared(broker, database) as (test, _):
        feeding = asyncio.create_task(feed_until(test, stop, pause_s=0.02, size=4))
        async with running(test, "a", Watcher("h1"), Watcher("h2", 0.4)) as first:
            await until(lambda: has_partitions(first, 4))
            await asyncio.sleep(2)
            async with running(test, "b", Watcher("h1"), Watcher("h2", 0.4)) as second:
                await until(lambda: has_partitions(first, 2))
                await until(lambda: has_partitions(second, 2))
            await asyncio.to_thread(put_out, broker.bootstrap, "b")
            await until(lambda: has_partitions(first, 4))
        stop.set()
        await feeding


async def has_partitions(app: LaneApp, count: int) -> bool:
    return len(app.assigned()) == count and not app.faust.rebalancing


async def test_poison_on_a_canonical_topic_is_refused_and_stops_nobody(
    broker: BrokerServer, database: DatabaseServer
) -> None:
    """Garbage between good batches, and a batch with one bad row: exactly the bad ones are dead letters."""
    async with prepared(broker, database) as (test, dsn):
        rows = list(batch_of([9_000_001, 9_000_002, 9_000_003]).rows())
        rows[1] = msgspec.structs.replace(rows[1], device="nul \x00 byte")
        bad_row = ObservationBatch.of(rows)
        values = [
            batch_of([1]).to_bytes(), b"\xff\xfe", batch_of([2]).to_bytes(), b"", b'{"type":"no-such"}',
            bad_row.to_bytes(), batch_of([3]).to_bytes(),
        ]  # fmt: skip
        receipts = await test.publisher.send([Message(OBSERVATIONS.name, value, partition=1) for value in values])
        async with working(test.settings):
            await test.idle()
        letters = await test.store.dead_letters(unresolved=True, limit=100)
        places = {(letter.topic, letter.partition, letter.offset) for letter in letters}
        assert places == {
            (r.topic, r.partition, r.offset) for r in (receipts[1], receipts[3], receipts[4], receipts[5])
        }
        assert {letter.raw for letter in letters} >= {values[1], values[3], values[4]}
        assert sorted(stored(dsn)) == [1, 2, 3, 9_000_001, 9_000_003]


async def both_joined(bootstrap: str) -> bool:
    """Tell whether two workers are in both lanes' groups, and nothing moves."""
    found = await asyncio.to_thread(members, bootstrap)
    return all(found.get(group_of(lane)) == 2 for lane in Lane)


def batch_of(numbers: list[int]) -> ObservationBatch:
    """Give a canonical batch of numbered readings."""
    count = len(numbers)
    return ObservationBatch.of_columns(
        device=[f"ledger-{n % DEVICES}" for n in numbers],
        metric=["temperature"] * count,
        observed_at=[time_of(n) for n in numbers],
        value=[value_of(n) for n in numbers],
        source_value=[value_of(n) for n in numbers],
        source_unit=["Cel"] * count,
        source=["ledger"] * count,
        received_at=[time_of(n) for n in numbers],
        lon=[None] * count,
        lat=[None] * count,
        commune=[None] * count,
        zone_ids=[[] for _ in numbers],
        marks=[[] for _ in numbers],
    )


async def test_a_worker_joins_and_one_leaves_under_load(broker: BrokerServer, database: DatabaseServer) -> None:
    """Every row is there once, and Kafka was never told of an offset that the database did not have (G3)."""
    stop = asyncio.Event()
    async with prepared(broker, database) as (test, dsn):
        async with sampling(test) as sampler, working(test.settings, "a") as first:
            feeding = asyncio.create_task(feed_until(test, stop))
            await until(lambda: working_lanes(first))
            async with working(test.settings, "b") as second:
                await until(lambda: shared(first, second))
                await asyncio.sleep(3)
            await asyncio.to_thread(put_out, broker.bootstrap, "b")
            await asyncio.sleep(3)
            stop.set()
            total = await feeding
            await test.idle()
        assert set(stored(dsn)) == set(range(total))
        assert sampler.violations == []
        assert sampler.committed > 20


async def working_lanes(worker: object) -> bool:
    lanes: list[LaneApp] = worker._lanes  # type: ignore[attr-defined]
    return bool(lanes) and all(app.assigned() for app in lanes)


async def shared(first: object, second: object) -> bool:
    both: list[LaneApp] = [*first._lanes, *second._lanes]  # type: ignore[attr-defined]
    return len(both) == 4 and all(app.assigned() and not app.faust.rebalancing for app in both)


async def test_kill_9_of_a_worker_again_and_again_never_leaves_an_offset_ahead_of_the_data(
    broker: BrokerServer, database: DatabaseServer, tmp_path: Path
) -> None:
    """Killed at random moments, restarted at once: committed <= stored in every sample, all rows there once (G3)."""
    stop, chance = asyncio.Event(), random.Random(7)
    async with prepared(broker, database) as (test, dsn):
        worker = Process(test.settings, "k", tmp_path / "worker.log")
        async with sampling(test) as sampler:
            feeding = asyncio.create_task(feed_until(test, stop))
            for _ in range(5):
                await worker.start()
                before = await rows(test)
                await until(lambda before=before: more_rows(test, before), 180)  # type: ignore[misc]
                await asyncio.sleep(chance.uniform(0.0, 1.5))
                await worker.kill9()
            await worker.start()
            stop.set()
            total = await feeding
            await test.idle()
        assert await worker.stop() == 0
        assert set(stored(dsn)) == set(range(total))
        assert sampler.violations == []
        assert sampler.committed > 20


async def rows(test: Rig) -> int:
    """Give how far the store hop has come, over all partitions."""
    return sum(offset.next_offset for offset in await test.store.offsets("store", OBSERVATIONS.name))


async def more_rows(test: Rig, before: int) -> bool:
    return await rows(test) > before


@asynccontextmanager
async def supervised(process: Process) -> AsyncIterator[None]:
    """Start a worker anew when it ends by itself, as every supervisor does: its partitions are kept for its name."""

    async def watch() -> None:
        while process.child is not None:
            await process.child.wait()
            await process.start()

    watching = asyncio.create_task(watch())
    try:
        yield
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


async def test_a_worker_that_slept_through_a_takeover_writes_nothing_stale(
    broker: BrokerServer, database: DatabaseServer, tmp_path: Path
) -> None:
    """Stopped for 20 s, its partitions taken over, then awake: rows, signals, rule states are those of a calm run."""
    messages = await messages_of(FLOOD)
    async with prepared(broker, database) as (test, _):
        sleeper, other = (Process(test.settings, name, tmp_path / f"{name}.log") for name in ("sleeper", "other"))
        await sleeper.start()
        await other.start()
        await until(lambda: both_joined(broker.bootstrap))
        third = len(messages) // 3
        before = await rows(test)
        await patiently(lambda: test.publisher.send(messages[:third]))
        await until(lambda: more_rows(test, before), 180)
        sleeper.send(signal.SIGSTOP)
        await asyncio.to_thread(put_out, broker.bootstrap, "sleeper")
        await patiently(lambda: test.publisher.send(messages[third : 2 * third]))
        await asyncio.sleep(20)
        sleeper.send(signal.SIGCONT)
        await patiently(lambda: test.publisher.send(messages[2 * third :]))
        # Put out, it may have ended, or be ended by its own limit when its threads do not.
        async with supervised(sleeper):
            await test.idle()
        assert await sleeper.stop() in {0, EXIT_CRASH, EXIT_HANG, -signal.SIGTERM}
        assert await other.stop() == 0
        disturbed = await outcome(test)
    async with prepared(broker, database) as (test, _):
        await patiently(lambda: test.publisher.send(messages))
        async with working(test.settings, "calm"):
            await test.idle()
        assert disturbed == await outcome(test)
