"""Bench `latency`: from the POST of a detection to the change of its incident on an SSE client, idle and saturated."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from datetime import UTC, datetime

import httpx
import msgspec

from deploy.stack import WORKERS, api_url
from schemas.events import Device, Lane, Source
from tests.bench.flood import Flood, flooded
from tests.bench.measure import Figure, Result, percentile
from tests.bench.people import cookie, key
from tests.bench.pipeline import ONE, register
from tests.bench.stage import Stage, stage, store_of
from tests.bench.workload import SOUTH, WEST

SOURCE = Source(id="bench-cameras", kind="camera", format="native", lane=Lane.PRIORITY, title="Bench")
EVENTS, QUICK_EVENTS, WARM_UP = 200, 60, 10
#: Readings that keep the bulk lane busy meanwhile: enough for 20 s at 50,000/s.
FLOOD, QUICK_FLOOD = 1_000_000, 200_000
#: Degrees between two cameras: 1.1 km, so that each opens an incident of its own.
APART = 0.01
ROW = 20
ARRIVES_S = 60.0


def bench(runs: int, *, quick: bool) -> Result:
    """Measure so many events, in each run on fresh servers; none waits for the one before it."""
    count, flood = (QUICK_EVENTS, QUICK_FLOOD) if quick else (EVENTS, FLOOD)
    figures: list[Figure] = []
    for title, readings, split in (
        ("idle", 0, False),
        ("bulk saturated", flood, False),
        ("bulk saturated, the workers of canh up", flood, True),
    ):
        done = [run(count, readings, split=split) for _ in range(1 if quick else runs)]
        ends = [[end for _, end in one] for one in done]
        figures += [
            Figure(f"{title}: HTTP in to SSE out, p{share * 100:.0f}", "ms", [percentile(one, share) for one in ends])
            for share in (0.5, 0.95, 0.99)
        ]
        answers = [percentile([taken for taken, _ in one], 0.5) for one in done]
        figures.append(Figure(f"{title}: HTTP in to 202, p50", "ms", answers))
        figures.append(Figure(f"{title}: detections measured", "", [len(one) for one in done]))
    return Result("latency", figures, [f"about ten detections a second, up to {count}; each opens an incident"])


def run(count: int, readings: int, *, split: bool = False) -> list[tuple[float, float]]:
    """Give, for each event, the milliseconds from its POST to the answer and to the SSE client."""
    with stage() as made:
        text, login = asyncio.run(_register(made))
        for name, process in (WORKERS if split else ONE).items():
            made.start_worker(name, process)
            made.ready(name)
        made.start_api()
        return asyncio.run(_measure(made, text, login, count, readings))


async def _register(made: Stage) -> tuple[str, str]:
    """Register sources and cameras; give a key that may send and a cookie that may look."""
    await register(made)
    store = store_of(made)
    await store.open()
    await store.put_sources([SOURCE])
    await store.put_devices(_cameras())
    given = await key(store, SOURCE.id), await cookie(store)
    await store.close()
    return given


async def _measure(made: Stage, text: str, login: str, count: int, readings: int) -> list[tuple[float, float]]:
    """Send events at random times, as long as the bulk lane is saturated where it shall be."""
    async with (
        httpx.AsyncClient(base_url=api_url(made.settings), timeout=60) as client,
        _listening(client, login) as arrived,
        flooded(made, readings) if readings else nullcontext() as flood,
    ):
        client.headers["Authorization"] = f"Bearer {text}"
        if flood is not None:
            await flood.under_way()
        return await _send(client, arrived, flood, count)


async def _send(
    client: httpx.AsyncClient, arrived: Callable[[str], asyncio.Future[float]], flood: Flood | None, count: int
) -> list[tuple[float, float]]:
    chance, found = random.Random(4), list[asyncio.Task[tuple[float, float]]]()
    async with asyncio.timeout(ARRIVES_S + count), asyncio.TaskGroup() as group:
        for n in range(WARM_UP + count):
            await asyncio.sleep(chance.uniform(0.02, 0.18))  # not in step with anything that ticks
            if flood is not None and flood.over:
                break
            found.append(group.create_task(_one(client, n, arrived(f"bench-cam:{n}"))))
    return [task.result() for task in found[WARM_UP:]]


async def _one(client: httpx.AsyncClient, n: int, coming: asyncio.Future[float]) -> tuple[float, float]:
    begun = time.perf_counter()
    answer = await client.post(f"/v1/ingest/{SOURCE.id}", content=_detection(n))
    answer.raise_for_status()
    taken = time.perf_counter()
    ended = await coming
    return (taken - begun) * 1000, (ended - begun) * 1000


def _cameras() -> list[Device]:
    """Give a camera for each detection. All are known: a new device makes every worker read the registry again."""
    return [
        Device(
            id=f"bench-cam:{n}",
            source=SOURCE.id,
            kind="camera",
            lon=WEST + APART * (n % ROW),
            lat=SOUTH + APART * (n // ROW),
        )
        for n in range(WARM_UP + EVENTS)
    ]


def _detection(n: int) -> bytes:
    return msgspec.json.encode(
        {
            "type": "detection",
            "id": f"bench-{n}",
            "device": f"bench-cam:{n}",
            "label": "fire",
            "confidence": 0.95,
            "observed_at": datetime.now(UTC),
        }
    )


@asynccontextmanager
async def _listening(client: httpx.AsyncClient, login: str) -> AsyncIterator[Callable[[str], asyncio.Future[float]]]:
    """Open the live feed as a browser does; give a function that tells when a change that names a device arrives."""
    waiting: dict[str, asyncio.Future[float]] = {}

    def arrived(device: str) -> asyncio.Future[float]:
        return waiting.setdefault(f'"{device}"', asyncio.get_running_loop().create_future())

    async def read(lines: AsyncIterator[str]) -> None:
        async for line in lines:
            now = time.perf_counter()
            for device in [name for name in waiting if line.startswith("data:") and name in line]:
                waiting.pop(device).set_result(now)

    async with client.stream("GET", "/v1/incidents/stream", headers={"Cookie": login}) as stream:
        stream.raise_for_status()
        reading = asyncio.create_task(read(stream.aiter_lines()))
        yield arrived
        reading.cancel()
