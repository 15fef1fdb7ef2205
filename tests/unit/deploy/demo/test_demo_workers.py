"""The demo waits for the workers: for its registry before it sends, for what it sent before it says that it is over."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from prometheus_client import generate_latest

from deploy.demo import workers
from deploy.demo.workers import behind, known_version, until_idle, until_known
from schemas.errors import BackpressureError
from schemas.events import Source
from schemas.store.abstract import Commit, Offset
from schemas.store.memory import MemoryStore
from schemas.topics import RAW_BULK, RAW_PRIORITY
from streams.metrics import REGISTRY
from streams.world import Atlas
from tests.unit.streams.hands import clock


class Metrics(BaseHTTPRequestHandler):
    """A worker's /metrics, as deploy/worker.py gives it."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(generate_latest())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- as the base class has it
        """Say nothing."""


@pytest.fixture
def worker() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Metrics)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


async def test_it_waits_until_a_worker_has_the_registry(worker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An event of a source that the worker does not know yet would be refused, and missing from the incidents."""
    monkeypatch.setattr(workers, "LOOK_S", 0.01)
    REGISTRY.set(0)
    store = MemoryStore()
    atlas = Atlas(store, clock)
    await store.put_sources([Source(id="new", kind="sensor", format="native")])
    version = await store.registry_version()
    waiting = asyncio.create_task(until_known([worker], version, asyncio.Event()))
    assert await asyncio.to_thread(known_version, worker) == 0
    assert not waiting.done()
    await atlas.load()
    async with asyncio.timeout(20):
        await waiting


async def test_a_worker_that_is_away_is_waited_for_until_the_end() -> None:
    """Ctrl-C ends the wait."""
    assert known_version("http://127.0.0.1:9") is None
    stopping = asyncio.Event()
    waiting = asyncio.create_task(until_known(["http://127.0.0.1:9"], 1, stopping))
    stopping.set()
    async with asyncio.timeout(20):
        await waiting


def looks(*found: int | None) -> Callable[[], Awaitable[int]]:
    """Give a look that finds these one after another, the last for ever; None: the broker is away."""
    left = list(found)

    async def look() -> int:
        each = left.pop(0) if len(left) > 1 else left[0]
        if each is None:
            raise BackpressureError("away")
        return each

    return look


async def test_it_is_over_when_two_looks_find_nothing() -> None:
    """One is not enough: what the last records made may be on its way; an outage in between is waited out."""
    heard: list[int] = []
    assert await until_idle(looks(7, 0, 3, None, 0, 0), heard.append, asyncio.Event(), every_s=0) == 0
    assert heard == [7, 0, 3, 0, 0]


async def test_what_does_not_get_less_is_told() -> None:
    """A source of one's own sends too, or a worker is in trouble: nobody waits for ever."""
    assert await until_idle(looks(9, 5), lambda _: None, asyncio.Event(), every_s=0, patience_s=0.01) == 5


async def test_what_is_behind_is_counted_for_each_hop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before normalize: two of ten in one lane, the three that are still there in the other, where it has not begun."""
    logs = {(RAW_BULK.name, 0): (0, 10), (RAW_PRIORITY.name, 1): (100, 103), ("x", 0): (0, 9)}
    monkeypatch.setattr(workers, "bounds", lambda _: logs)
    store = MemoryStore()
    await store.commit(Commit(offset=Offset("normalize", RAW_BULK.name, 0, 8)))
    assert await behind("", store) == 5
