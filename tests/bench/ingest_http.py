"""Bench `ingest-http`: requests and events a second through POST /v1/ingest with API keys, single and 500 at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from itertools import cycle

from deploy.local.server import LOOPBACK
from tests.bench.measure import Figure, Result, Usage, percentile
from tests.bench.people import key
from tests.bench.pipeline import register
from tests.bench.stage import Stage, stage, store_of
from tests.bench.workload import SOURCE, readings

#: Senders, each with a key and a connection of its own.
SENDERS = 32
PER_BODY = 500
#: After a 503 a sender waits so long before it sends the next one.
BUSY_S = 0.1
SECONDS, QUICK_SECONDS = 10.0, 3.0
BODIES = 40_000


def bench(runs: int, *, quick: bool) -> Result:
    """Send as fast as the answers come; no worker runs."""
    seconds = QUICK_SECONDS if quick else SECONDS
    texts = [reading.json() for reading in readings(BODIES)]
    figures: list[Figure] = []
    for title, bodies in (("single", texts), (f"NDJSON of {PER_BODY}", _joined(texts))):
        done = [run(bodies, seconds) for _ in range(1 if quick else runs)]
        each = len(bodies[0].splitlines())
        figures += [
            Figure(f"{title}: requests", "1/s", [len(taken) / seconds for taken, _, _ in done]),
            Figure(f"{title}: events", "1/s", [each * len(taken) / seconds for taken, _, _ in done]),
            Figure(f"{title}: answer, p50", "ms", [percentile(taken, 0.5) * 1000 for taken, _, _ in done]),
            Figure(f"{title}: answer, p99", "ms", [percentile(taken, 0.99) * 1000 for taken, _, _ in done]),
            Figure(f"{title}: CPU api", "ms per request", [u.cpu_s["api"] / len(taken) * 1000 for taken, _, u in done]),
            Figure(f"{title}: told to come again (503)", "", [again for _, again, _ in done]),
        ]
    return Result(
        "ingest-http", figures, [f"{SENDERS} senders, each with a key and one connection, for {seconds:.0f} s"]
    )


def _joined(texts: Sequence[bytes]) -> list[bytes]:
    return [b"\n".join(texts[start : start + PER_BODY]) for start in range(0, len(texts), PER_BODY)]


def run(bodies: Sequence[bytes], seconds: float) -> tuple[list[float], int, Usage]:
    """Give the seconds that each accepted request took, how many were told to come again, and what was used."""
    with stage() as made:
        keys = asyncio.run(_register(made))
        made.start_api()
        usage = Usage(made.pids())
        busy: list[float] = []
        taken = asyncio.run(_send(made, keys, cycle(bodies), seconds, busy))
        usage.stop()
    return taken, len(busy), usage


async def _register(made: Stage) -> list[str]:
    await register(made)
    store = store_of(made)
    await store.open()
    keys = [await key(store, SOURCE.id) for _ in range(SENDERS)]
    await store.close()
    return keys


async def _send(
    made: Stage, keys: Sequence[str], bodies: Iterator[bytes], seconds: float, busy: list[float]
) -> list[float]:
    end = time.monotonic() + seconds
    done = await asyncio.gather(*(_sender(made.settings.api_port, key, bodies, end, busy) for key in keys))
    return [taken for one in done for taken in one]


async def _sender(port: int, text: str, bodies: Iterator[bytes], end: float, busy: list[float]) -> list[float]:
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    head = f"POST /v1/ingest/{SOURCE.id} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {text}\r\nContent-Type: "
    taken: list[float] = []
    while (begun := time.monotonic()) < end:
        body = next(bodies)
        kind = "application/x-ndjson" if b"\n" in body else "application/json"
        writer.write(f"{head}{kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        if await _accepted(reader):
            taken.append(time.monotonic() - begun)
        else:
            busy.append(begun)
            await asyncio.sleep(BUSY_S)
    writer.close()
    return taken


async def _accepted(reader: asyncio.StreamReader) -> bool:
    """Read one answer to its end: True for 202, False for 503 (send it again); raises RuntimeError for any other."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
    body = await reader.readexactly(length)
    status = head.split(b" ", 2)[1]
    if status not in {b"202", b"503"}:
        raise RuntimeError(f"{head.decode()}{body.decode()}")
    return status == b"202"
