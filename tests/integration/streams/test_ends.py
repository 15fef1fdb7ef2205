from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from deploy.local.server import free_port
from deploy.worker import END_S, PUBLISHER_END_S
from schemas.errors import BackpressureError
from schemas.events import Lane
from schemas.store.abstract import Offset
from schemas.store.memory import MemoryStore
from streams import transport
from streams.app import LaneApp
from tests.faults.ledger import stored
from tests.integration.streams.rig import STOP_S, Process, Rig, until
from tests.integration.streams.test_transport import Watcher, feed, has_partitions, more_rows, prepared, rows, running
from tests.servers import BrokerServer, DatabaseServer

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

#: What `canh up` gives its worker before SIGKILL (deploy/stack.py).
SUPERVISOR_S = 45.0


def test_a_worker_ends_itself_before_its_supervisor_does() -> None:
    """So exit code 0, in what follows, means in time: who needs longer ends with EXIT_HANG."""
    assert END_S + PUBLISHER_END_S < SUPERVISOR_S


async def crashed(app: LaneApp) -> bool:
    return app.crashed() is not None


async def under_way(test: Rig, worker: Process) -> None:
    """Start a worker and give it work."""
    await worker.start()
    before = await rows(test)
    await feed(test, 3000, pause_s=0.0)
    await until(lambda: more_rows(test, before), 180)


async def test_a_stop_while_the_database_is_down_ends_in_time_and_loses_nothing(
    broker: BrokerServer, database: DatabaseServer, tmp_path: Path
) -> None:
    """Runs are under way and cannot be written: they are left, and done after the next start."""
    async with prepared(broker, database) as (test, dsn):
        worker = Process(test.settings, "stop-1", tmp_path / "worker.log")
        await under_way(test, worker)
        database.kill9()
        try:
            await feed(test, 6000, pause_s=0.0)
            await asyncio.sleep(2)
            assert await worker.stop() == 0
        finally:
            database.restart()  # here: a server dies with the thread that started it
        await worker.start()
        await test.idle()
        assert await worker.stop() == 0
        assert set(stored(dsn)) == set(range(6000))


async def test_a_stop_while_the_broker_is_down_ends_in_time(
    broker: BrokerServer, database: DatabaseServer, tmp_path: Path
) -> None:
    """Nobody can be told how far the work came; the database knows."""
    async with prepared(broker, database) as (test, _):
        worker = Process(test.settings, "stop-2", tmp_path / "worker.log")
        await under_way(test, worker)
        await asyncio.to_thread(broker.stop)
        try:
            await asyncio.sleep(2)
            assert await worker.stop() == 0
        finally:
            broker.restart()


async def test_a_broker_that_goes_away_while_an_app_starts_leaves_no_thread_behind() -> None:
    """A thread of Faust's consumer would keep the process alive and useless (P19)."""
    before = set(threading.enumerate())
    app = LaneApp(Lane.BULK, f"127.0.0.1:{free_port()}", MemoryStore(), [Watcher("alone")], worker_id="x")
    with pytest.raises(Exception, match="Unable to bootstrap"):
        await app.start()
    await asyncio.wait_for(app.stop(), STOP_S)
    left = [thread for thread in threading.enumerate() if thread not in before and not thread.daemon]
    assert [thread for thread in left if thread.is_alive()] == []


async def test_a_bug_in_the_fetching_is_seen_as_a_crash(broker: BrokerServer, database: DatabaseServer) -> None:
    """A worker that reads nothing any more must not look healthy."""
    async with prepared(broker, database) as (test, _), running(test, "crash-1", Watcher("c1")) as app:
        await until(lambda: has_partitions(app, 4))

        async def bug(*_: Any) -> None:
            raise ZeroDivisionError

        app.faust.consumer._message = bug
        await feed(test, 500)
        await until(lambda: crashed(app))


async def test_a_place_to_go_on_from_that_is_never_found_is_seen_as_a_crash(
    broker: BrokerServer, database: DatabaseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Faust itself would give the seek up in silence and stand still for ever."""
    monkeypatch.setattr(transport, "SEEK_S", 3.0)

    async def away(_hop: str, _topic: str) -> list[Offset]:
        raise BackpressureError("away")

    async with prepared(broker, database) as (test, _):
        with monkeypatch.context() as patch:
            patch.setattr(test.store, "offsets", away)
            async with running(test, "crash-2", Watcher("c2")) as app:
                await until(lambda: crashed(app))


async def test_a_hole_that_was_fetched_and_dropped_is_read_again(
    broker: BrokerServer, database: DatabaseServer
) -> None:
    """Records that got lost between fetching and handing over are not taken for deleted ones."""
    async with prepared(broker, database) as (test, _):
        watcher = Watcher("h9")
        async with running(test, "hole", watcher) as app:
            await until(lambda: has_partitions(app, 4))
            await feed(test, 250)
            await until(lambda: seen(watcher, 250))
            fetch, consumer = app.faust.consumer._wait_next_records, app.faust.consumer
            dropped: list[int] = []

            async def once(timeout: float) -> Any:  # noqa: ASYNC109 -- Faust's signature
                records, active = await fetch(timeout)
                if records and not dropped:
                    dropped.append(sum(map(len, records.values())))
                    return {}, active
                return records, active

            consumer._wait_next_records = once
            await feed(test, 1000, pause_s=0.3)
            await until(lambda: seen(watcher, 1250))
            assert dropped
            for offsets in watcher.seen.values():
                assert offsets == list(range(offsets[0], offsets[0] + len(offsets)))


async def seen(watcher: Watcher, count: int) -> bool:
    return sum(map(len, watcher.seen.values())) >= count
