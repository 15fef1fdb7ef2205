"""The feed on a real server: a thousand clients on one process, stalled clients, shutdown."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from api.app import create_app
from api.config import ApiConfig
from api.server import server
from schemas.store.memory import MemoryStore
from tests.doubles import FakePublisher, now, refuse_bad

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]
SERVER = Path(__file__).with_name("crowd_server.py")
CLIENTS = 1000
CHANGES = 30
#: What happens at once happens within this time on any machine; what does not happen never does.
SOON_S = 10.0
_ID = re.compile(rb"id: (\d+)\nevent: change\n")


class Running:
    """The server process and how to reach it."""

    def __init__(self, send_timeout_s: float, send_buffer: int) -> None:
        command = [sys.executable, str(SERVER), str(send_timeout_s), str(send_buffer)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env=environment)
        assert self.process.stdout is not None
        self.told: dict[str, Any] = json.loads(self.process.stdout.readline())
        self.base = f"http://127.0.0.1:{self.told['port']}"

    def rss_bytes(self) -> int:
        """Give the memory that the server has."""
        return int(psutil.Process(self.told["pid"]).memory_info().rss)

    def client(self) -> httpx.AsyncClient:
        """Give an operator's browser."""
        headers = {"Cookie": self.told["cookie"], "X-CSRF-Token": self.told["csrf"], "Sec-Fetch-Site": "same-origin"}
        return httpx.AsyncClient(base_url=self.base, headers=headers, timeout=60)

    async def ready(self) -> None:
        """Wait until it answers."""
        async with self.client() as client:
            for _ in range(200):
                with contextlib.suppress(httpx.TransportError):
                    if (await client.get("/health/ready")).status_code == 200:
                        return
                await asyncio.sleep(0.1)
        pytest.fail("the server did not become ready")

    def stop(self) -> None:
        """End it, whatever the test did."""
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@dataclass
class Listener:
    """One raw SSE client; `arrived` maps feed ids to the time they came."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    arrived: dict[int, float] = field(default_factory=dict)

    async def listen(self, last: int) -> None:
        """Read until a feed id has come."""
        rest = b""
        while last not in self.arrived:
            rest += await self.reader.read(65536)
            now = time.perf_counter()
            *whole, rest = rest.split(b"\n\n")
            for block in whole:
                found = _ID.search(block + b"\n")
                if found:
                    self.arrived[int(found[1])] = now


async def _connect(running: Running, receive_buffer: int = 0) -> Listener:
    sock = socket.socket()
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", running.told["port"]))
    reader, writer = await asyncio.open_connection(sock=sock, limit=4096 if receive_buffer else 65536)
    writer.write(
        f"GET /v1/incidents/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {running.told['cookie']}\r\n\r\n".encode()
    )
    await reader.readuntil(b"event: hello")
    return Listener(reader, writer)


@pytest.fixture
def crowded() -> Iterator[Running]:
    """Give a server with ordinary time-outs."""
    running = Running(10.0, 0)
    yield running
    running.stop()


@pytest.fixture
def impatient() -> Iterator[Running]:
    """Give a server that cuts stalled clients after a second and has small socket buffers."""
    running = Running(1.0, 8192)
    yield running
    running.stop()


async def _comment(client: httpx.AsyncClient, version: int, text: str) -> tuple[int, float]:
    began = time.perf_counter()
    answer = await client.post("/v1/incidents/i/comment", json={"expected_version": version, "text": text})
    assert answer.status_code == 200, answer.text
    return int(answer.json()["feed_id"]), began


@pytest.mark.slow
async def test_a_thousand_clients_get_every_change(crowded: Running, record_property: Any) -> None:
    """Each of 1,000 SSE clients gets each of 30 changes; memory for each client and the delay stay small.

    The numbers are told; the bounds only catch what grows without end.
    """
    await crowded.ready()
    before = crowded.rss_bytes()
    listeners: list[Listener] = []
    for _ in range(0, CLIENTS, 50):
        listeners += await asyncio.gather(*(_connect(crowded) for _ in range(50)))
    each_kib = (crowded.rss_bytes() - before) / CLIENTS / 1024
    reading = asyncio.gather(*(one.listen(1 + CHANGES) for one in listeners))
    sent: dict[int, float] = {}
    async with crowded.client() as client:
        for version in range(1, CHANGES + 1):
            feed_id, began = await _comment(client, version, "đã xem")
            sent[feed_id] = began
    async with asyncio.timeout(90):
        await reading
    delays = sorted(one.arrived[feed_id] - began for one in listeners for feed_id, began in sent.items())
    p50_s, p99_s = delays[len(delays) // 2], delays[len(delays) * 99 // 100]
    for one in listeners:
        assert list(one.arrived) == list(range(2, CHANGES + 2))
        one.writer.close()
    record_property(f"memory of each of {CLIENTS} SSE clients, KiB", round(each_kib))
    record_property(f"delay of {CHANGES} changes at once, s", f"p50 {p50_s:.3f}, p99 {p99_s:.3f}")
    assert each_kib < 256
    assert p99_s < 15


async def test_clients_that_stop_reading_are_cut_and_cost_nothing(impatient: Running) -> None:
    """Forty stalled clients: the one that reads gets everything, the stalled ones are dropped, memory stays flat."""
    await impatient.ready()
    quick = await _connect(impatient)
    stalled = await asyncio.gather(*(_connect(impatient, 4096) for _ in range(40)))
    before = impatient.rss_bytes()
    open_files = psutil.Process(impatient.told["pid"]).num_fds()
    changes = 150
    reading = asyncio.create_task(quick.listen(1 + changes))
    async with impatient.client() as client:
        for version in range(1, changes + 1):
            await _comment(client, version, "x" * 3900)
        async with asyncio.timeout(60):
            await reading
        assert list(quick.arrived) == list(range(2, changes + 2))
        for _ in range(100):
            text = (await client.get("/metrics")).text
            if "canh_feed_clients 1.0" in text:
                break
            await asyncio.sleep(0.2)
    assert "canh_feed_cut_total 40.0" in text
    assert impatient.rss_bytes() - before < 60 << 20
    server_process = psutil.Process(impatient.told["pid"])
    for _ in range(100):
        if server_process.num_fds() < open_files - 30:
            break
        await asyncio.sleep(0.1)
    assert server_process.num_fds() < open_files - 30, "the sockets of stalled clients stay open"
    for one in [quick, *stalled]:
        one.writer.close()


async def test_sigterm_ends_open_streams_at_once(crowded: Running, record_property: Any) -> None:
    """A server with open feeds ends them itself at SIGTERM: its clients see a whole answer, not a cut line."""
    await crowded.ready()
    listener = await _connect(crowded)
    began = time.perf_counter()
    crowded.process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(SOON_S):
        rest = await listener.reader.read(-1)
        await asyncio.to_thread(crowded.process.wait, SOON_S)
    record_property("down after SIGTERM, s", round(time.perf_counter() - began, 3))
    assert rest.endswith(b"0\r\n\r\n"), "cut when the time for ending was over"
    listener.writer.close()


async def test_a_websocket_on_a_real_server(crowded: Running) -> None:
    """A client library connects with cookie and origin, and hears a change; a foreign origin is refused."""
    from websockets.asyncio.client import connect
    from websockets.exceptions import InvalidStatus

    await crowded.ready()
    url = f"ws://127.0.0.1:{crowded.told['port']}/v1/incidents/ws"
    cookie = {"Cookie": crowded.told["cookie"]}
    with pytest.raises(InvalidStatus) as caught:
        async with connect(url, origin="https://evil.example", additional_headers=cookie):  # type: ignore[arg-type]
            pass
    assert caught.value.response.status_code == 403
    async with connect(url, origin=crowded.base, additional_headers=cookie) as socket_:  # type: ignore[arg-type]
        assert json.loads(await socket_.recv())["event"] == "hello"
        async with crowded.client() as client:
            feed_id, _ = await _comment(client, 1, "nghe")
        message = json.loads(await socket_.recv())
        assert (message["event"], message["id"]) == ("change", str(feed_id))


@pytest.mark.parametrize("first", [b"", b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"])
async def test_a_client_that_drips_its_headers_is_closed(monkeypatch: pytest.MonkeyPatch, first: bytes) -> None:
    """Headers that do not end, on a new or a kept connection, cost a connection for a moment only."""
    monkeypatch.setattr("api.server.HEADERS_S", 0.3)
    store = MemoryStore()
    config = ApiConfig(password_cost=(1, 8, 1))
    app = create_app(store=store, publisher=FakePublisher(), check=refuse_bad, clock=now, config=config)
    listener = socket.create_server(("127.0.0.1", 0))
    serving = server(app, "127.0.0.1", 0)
    task = asyncio.create_task(serving.serve(sockets=[listener]))
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    writer.write(first + b"GET /v1/me HTTP/1.1\r\nX-Slow: ")
    async with asyncio.timeout(SOON_S):
        got = await reader.read(-1)
    assert (b"200 OK" in got) == bool(first)
    writer.close()
    serving.should_exit = True
    await task
