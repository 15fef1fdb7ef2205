"""What the demo must know of the workers: whether they have its registry, and how far they are behind."""

from __future__ import annotations

import asyncio
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Iterable

from deploy.lag import logs_of, waiting
from deploy.patience import sleep_until
from deploy.topics import bounds
from schemas.errors import BackpressureError
from schemas.store.abstract import StreamStore
from streams.metrics import REGISTRY
from streams.pipeline import steps

LOOK_S = 0.5
#: Seconds in which the workers come no nearer to the end: then something else is sent too, or they are in trouble.
PATIENCE_S = 60.0
#: So many waiting records of the outbox are counted.
OUTBOX_LOOK = 1_000


async def until_known(workers: Iterable[str], version: int, stopping: asyncio.Event) -> None:
    """Wait until the workers at these addresses have this version of the registry: before, its sources are unknown."""
    for url in workers:
        while not stopping.is_set():
            known = await asyncio.to_thread(known_version, url)
            if known is not None and known >= version:
                break
            await sleep_until(stopping, LOOK_S)


def known_version(url: str) -> float | None:
    """Ask a worker which version of the registry it works with; None when it does not answer."""
    try:
        with urllib.request.urlopen(f"{url}/metrics", timeout=1.0) as answer:  # noqa: S310 -- our own loopback address
            lines = answer.read().decode().splitlines()
    except (urllib.error.URLError, OSError, ValueError):
        return None
    (name,) = {metric.name for metric in REGISTRY.collect()}
    return next((float(line.split()[1]) for line in lines if line.startswith(f"{name} ")), None)


async def behind(bootstrap: str, store: StreamStore) -> int:
    """Give how many records wait: before each hop, and in the outbox."""
    logs = await asyncio.to_thread(bounds, bootstrap)
    count = len(await store.outbox(OUTBOX_LOOK))
    for step in steps():
        count += waiting(await store.offsets(step.hop, step.reads.name), logs_of(step.reads.name, logs))
    return count


async def until_idle(
    look: Callable[[], Awaitable[int]],
    tell: Callable[[int], None],
    stopping: asyncio.Event,
    *,
    every_s: float = LOOK_S,
    patience_s: float = PATIENCE_S,
) -> int:
    """Wait until two looks in a row find nothing waiting; give what still waits when that does not come nearer.

    The second look sees what the last records of the first one made. `tell` hears of every look; a server that is away
    is asked again.
    """
    least, since, found = float("inf"), time.monotonic(), -1
    while not stopping.is_set():
        before = found
        try:
            found = await look()
        except BackpressureError:
            found = -1
        else:
            tell(found)
        if found == before == 0:
            return 0
        if 0 <= found < least:
            least, since = found, time.monotonic()
        elif time.monotonic() - since > patience_s:
            return max(found, 1)
        await sleep_until(stopping, every_s)
    return max(found, 1)
