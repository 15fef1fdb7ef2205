"""Keeps the bulk lane saturated for a while: sends readings so fast that the worker always has some waiting."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.bench.raw import Progress, batches, producer_of, send
from tests.bench.stage import Stage
from tests.bench.workload import readings, singles

#: Records that wait on the raw topic: two or three micro-batches of each partition.
WAITING = 40_000
EVERY_S = 0.1


class Flood:
    """Where the flood stands."""

    def __init__(self) -> None:
        self.over = False
        self._begun = asyncio.Event()

    def begin(self) -> None:
        """Say that the worker has taken the first of it."""
        self._begun.set()

    async def under_way(self) -> None:
        """Wait until the worker has taken the first of it."""
        async with asyncio.timeout(60.0):
            await self._begun.wait()


@asynccontextmanager
async def flooded(made: Stage, count: int) -> AsyncIterator[Flood]:
    """Send `count` readings meanwhile, never more than WAITING ahead of the worker."""
    flood, progress, producer = Flood(), Progress(made), producer_of(made)
    await producer.start()
    built = batches(producer, singles(readings(count)))
    feeding = asyncio.create_task(_feed(flood, progress, producer, built))
    try:
        yield flood
    finally:
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)
        await producer.stop()
        progress.close()


async def _feed(flood: Flood, progress: Progress, producer: object, built: list[tuple[int, object]]) -> None:
    sent = 0
    for batch in built:
        done = await asyncio.to_thread(progress.normalized)
        while sent - done > WAITING:
            await asyncio.sleep(EVERY_S)
            done = await asyncio.to_thread(progress.normalized)
        if done:
            flood.begin()
        await send(producer, batch)
        sent += batch[1].record_count()  # type: ignore[attr-defined]  # aiokafka has no types
    flood.over = True
