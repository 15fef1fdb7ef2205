from __future__ import annotations

import asyncio
import os
import signal
from time import monotonic

import msgspec
import psycopg
import pytest

from deploy.bootstrap import now
from deploy.worker import Worker
from schemas.bus.abstract import Message
from schemas.events import Lane, Source
from schemas.topics import OBSERVATIONS, RAW_BULK, SOURCE_HEADER
from streams.app import LaneApp
from streams.headway import Lag
from streams.survey import ANSWER_S
from streams.watermark import Place
from tests.integration.streams.rig import Rig, patiently, until, working
from tests.integration.streams.test_transport import has_partitions, prepared
from tests.servers import BrokerServer, DatabaseServer

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

GAUGES = Source(id="gauges", kind="sensor", format="native", cadence_s=600.0)
#: An alarm that waits for others (`settle`, 5 s) is told by then, on a slow machine too.
TOLD_S = 20.0


async def gauged(test: Rig, device: str, metric: str, value: float, partition: int) -> None:
    """Send a reading of now into a partition."""
    raw = msgspec.json.encode({"device": device, "metric": metric, "value": value, "observed_at": now().isoformat()})
    message = Message(
        RAW_BULK.name, raw, key=device.encode(), headers=[(SOURCE_HEADER, b"gauges")], partition=partition
    )
    await patiently(lambda: test.publisher.send([message]))


async def bulk(worker: Worker) -> LaneApp:
    """Give the bulk lane of a worker, as soon as it has its partitions."""

    async def there() -> bool:
        lanes = [app for app in worker._lanes if app.name == Lane.BULK]
        return bool(lanes) and bool(lanes[0].assigned()) and not lanes[0].faust.rebalancing

    await until(there, 60)
    return next(app for app in worker._lanes if app.name == Lane.BULK)


@pytest.mark.parametrize("pause_s", [1 / 60, 1 / 200])
async def test_an_alarm_of_a_quiet_partition_waits_for_no_other_one(
    broker: BrokerServer, database: DatabaseServer, pause_s: float
) -> None:
    """Steady traffic elsewhere has a run under way at nearly every moment; the flooded street is told all the same."""
    async with prepared(broker, database) as (test, dsn):
        await test.store.put_sources([GAUGES])
        async with working(test.settings, "quiet") as worker:
            await bulk(worker)
            stop = asyncio.Event()
            raining = asyncio.create_task(rain(test, stop, pause_s))
            await asyncio.sleep(2)
            begun = monotonic()
            await gauged(test, "street:quiet", "flood_depth", 40.0, 1)
            await until(lambda: told(dsn, "street:quiet"), TOLD_S)
            assert monotonic() - begun > 3  # it did wait for others: else this says nothing of ticks
            stop.set()
            await raining


async def rain(test: Rig, stop: asyncio.Event, pause_s: float) -> None:
    while not stop.is_set():
        await gauged(test, "rain:busy", "rain", 0.0, 0)
        await asyncio.sleep(pause_s)


async def told(dsn: str, key: str) -> bool:
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        found = await connection.execute("SELECT 1 FROM signal WHERE key = %s", [key])
        return await found.fetchone() is not None


def lag_of(app: LaneApp) -> Lag:
    """Give how far the first partition of observations is behind."""
    lag = app._lag(Place(OBSERVATIONS.name, 0))
    assert lag is not None
    return lag


async def is_near(app: LaneApp) -> bool:
    sources = lag_of(app).sources
    return sources is not None and sources.total_seconds() < ANSWER_S


async def test_while_the_broker_is_away_time_stands_still_and_the_worker_says_so(
    broker: BrokerServer, database: DatabaseServer
) -> None:
    """Nothing can be heard then, so nobody is silent; a worker that cannot read is not ready."""
    async with prepared(broker, database) as (test, _), working(test.settings, "deaf") as worker:
        app = await bulk(worker)
        await until(lambda: is_near(app), 30)
        pid = broker.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        try:
            begun = monotonic()
            await until(lambda: has_problem(worker, "broker"), 30)
            await asyncio.sleep(max(0.0, begun + 2 * ANSWER_S - monotonic()))
            deaf_s = monotonic() - begun
            sources = lag_of(app).sources
            assert sources is None or sources.total_seconds() >= deaf_s
        finally:
            os.kill(pid, signal.SIGCONT)
        await until(lambda: is_near(app), 60)
        await until(lambda: is_ready(worker), 60)


async def has_problem(worker: Worker, what: str) -> bool:
    return any(problem.startswith(what) for problem in await worker._problems())


async def is_ready(worker: Worker) -> bool:
    return not await worker._problems()


async def test_a_database_that_is_away_is_noticed_while_nothing_comes(
    broker: BrokerServer, database: DatabaseServer
) -> None:
    """No hop has anything to write that would tell."""
    async with prepared(broker, database) as (test, _), working(test.settings, "idle") as worker:
        await until(lambda: is_ready(worker), 60)
        database.kill9()
        try:
            await until(lambda: has_problem(worker, "database"), 60)
        finally:
            database.restart()
        await until(lambda: is_ready(worker), 60)


async def test_evaluate_alone_waits_for_what_normalize_has_not_passed_on(
    broker: BrokerServer, database: DatabaseServer
) -> None:
    """Another process normalizes, and it is down: readings lie in the raw topic, so nobody is silent."""
    async with prepared(broker, database) as (test, _):
        await test.store.put_sources([GAUGES])
        await gauged(test, "rain:1", "rain", 0.0, 3)
        alone = Worker(test.settings.model_copy(update={"worker_id": "alone"}), only=frozenset({"evaluate"}))
        running = asyncio.create_task(alone.run())
        try:
            app = await bulk(alone)
            await until(lambda: has_partitions(app, OBSERVATIONS.partitions), 60)
            await until(lambda: knows_its_own(app), 30)
            await asyncio.sleep(3)
            assert lag_of(app).sources is None
            normalizes = Worker(test.settings.model_copy(update={"worker_id": "raw"}), only=frozenset({"normalize"}))
            passing_on = asyncio.create_task(normalizes.run())
            await until(lambda: is_near(app), 60)
            normalizes.stop()
            assert await passing_on == 0
        finally:
            alone.stop()
            assert await running == 0


async def knows_its_own(app: LaneApp) -> bool:
    return lag_of(app).here is not None
