"""Bench `fanout`: every change of an incident to 1,000 and to 5,000 SSE clients of one API process."""

from __future__ import annotations

import asyncio
import json
import os
import random
import resource
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime

import psutil

from deploy.local.server import LOOPBACK
from schemas.events import Incident
from schemas.store.abstract import Commit
from schemas.store.timescale import TimescaleStore
from tests.bench.incidents import commented, opened
from tests.bench.measure import Figure, Result, Usage, percentile
from tests.bench.people import cookie
from tests.bench.stage import ROOT, Stage, stage, store_of

CROWDS = (1_000, 5_000)
#: One person may have 64 feeds open.
FEEDS_EACH = 50
CHANGES, QUICK_CHANGES = 30, 10
#: Seconds between two changes: more than the slowest delivery should take.
EVERY_S = 1.0
#: Old changes that a stalled client asks for and never reads: far more than the sockets' buffers hold.
HISTORY, HISTORY_CHARS = 400, 3_900


def bench(runs: int, *, quick: bool) -> Result:
    """Measure each crowd, first when all read, then with one client that does not."""
    figures: list[Figure] = []
    for clients in CROWDS[: 1 if quick else None]:
        done = [run(clients, QUICK_CHANGES if quick else CHANGES) for _ in range(1 if quick else runs)]
        for name, unit in (
            ("p50", "ms"), ("p99", "ms"), ("p99, one client stalled", "ms"), ("memory of the API for each", "KiB"),
            ("CPU of the API", "µs per delivery"),
        ):  # fmt: skip
            figures.append(Figure(f"{clients:,} clients: {name}", unit, [one[name] for one in done]))
    note = f"a change every {EVERY_S} s; from before its commit until the client's process has read it"
    return Result("fanout", figures, [note])


def run(clients: int, changes: int) -> dict[str, float]:
    """Give the figures of one crowd on fresh servers."""
    _allow_files(clients + 1_000)
    with stage() as made:
        return asyncio.run(_run(made, clients, changes))


async def _run(made: Stage, clients: int, changes: int) -> dict[str, float]:
    store = store_of(made)
    await store.open()
    write = opened("crowded", random.Random(7), datetime.now(UTC))
    await store.commit(Commit(incidents=[write]))
    now, _ = await _change(store, write.incident, HISTORY, "x" * HISTORY_CHARS, every_s=0)
    names = [await cookie(store, f"bench{n}") for n in range(-(-clients // FEEDS_EACH))]
    made.start_api()
    api = psutil.Process(made.pids()["api"])
    before = api.memory_info().rss
    head = await store.feed_head()
    crowd = await asyncio.to_thread(_crowd, made, clients, names, head + 2 * changes)
    each_kib = (api.memory_info().rss - before) / clients / 1024
    usage = Usage({"api": api.pid})
    now, all_read = await _change(store, now, changes, "đã xem", every_s=EVERY_S)
    usage.stop()
    stalled = _stalled(made, names[0])
    now, one_stalled = await _change(store, now, changes, "đã xem", every_s=EVERY_S)
    arrived = await asyncio.to_thread(_told, crowd)
    stalled.close()
    await store.close()
    first, second = (_delays_ms(sent, arrived, clients) for sent in (all_read, one_stalled))
    return {
        "p50": percentile(first, 0.5),
        "p99": percentile(first, 0.99),
        "p99, one client stalled": percentile(second, 0.99),
        "memory of the API for each": each_kib,
        "CPU of the API": usage.cpu_s["api"] / (changes * clients) * 1e6,
    }


async def _change(
    store: TimescaleStore, incident: Incident, count: int, text: str, *, every_s: float
) -> tuple[Incident, dict[int, float]]:
    """Comment an incident so many times; give how it stands, and when each feed id was begun."""
    sent: dict[int, float] = {}
    for _ in range(count):
        write, begun = commented(incident, text), time.monotonic()
        done = await store.commit(Commit(incidents=[write]))
        sent[done.feed_ids[0]], incident = begun, write.incident
        await asyncio.sleep(every_s)
    return incident, sent


def _crowd(made: Stage, clients: int, cookies: list[str], last: int) -> subprocess.Popen[str]:
    """Start the clients' process; returns when all are connected."""
    told = made.settings.home / "cookies.json"
    told.write_text(json.dumps(cookies), encoding="utf-8")
    port = made.settings.api_port
    argv = [sys.executable, "-m", "tests.bench.listeners", str(port), str(clients), str(told), str(last)]
    crowd = subprocess.Popen(
        argv, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    assert crowd.stdout is not None
    if crowd.stdout.readline() != "ready\n":
        raise RuntimeError("the clients did not connect")
    return crowd


def _told(crowd: subprocess.Popen[str]) -> dict[int, list[float]]:
    try:
        text, _ = crowd.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        crowd.kill()
        raise
    return {int(feed_id): times for feed_id, times in json.loads(text).items()}


def _stalled(made: Stage, login: str) -> socket.socket:
    """Open a feed from its beginning and never read it."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect((LOOPBACK, made.settings.api_port))
    head = f"GET /v1/incidents/stream?since=1 HTTP/1.1\r\nHost: {LOOPBACK}\r\nCookie: {login}\r\n\r\n"
    client.sendall(head.encode())
    return client


def _delays_ms(sent: dict[int, float], arrived: dict[int, list[float]], clients: int) -> list[float]:
    for feed_id in sent:
        if len(arrived[feed_id]) != clients:
            raise RuntimeError(f"change {feed_id} came to {len(arrived[feed_id])} of {clients} clients")
    return [(at - begun) * 1000 for feed_id, begun in sent.items() for at in arrived[feed_id]]


def _allow_files(count: int) -> None:
    """Raise the limit of open files for us and our children; raises RuntimeError when the machine forbids it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < count:
        raise RuntimeError(f"{count} open files are needed, the hard limit is {most}: ulimit -Hn {count}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, most))
