"""Waits for servers that are away: reads a step that may fail for now, gives its end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from schemas.errors import BackpressureError

#: Pause between two tries, in seconds.
AGAIN_S = 1.0


async def patiently(
    step: Callable[[], Awaitable[None]],
    tell: Callable[[BackpressureError], None],
    stopping: asyncio.Event | None = None,
) -> None:
    """Try until the step goes through, or `stopping` is set; `tell` hears of each failure."""
    until = stopping or asyncio.Event()
    while not until.is_set():
        try:
            await step()
        except BackpressureError as error:
            tell(error)
            await sleep_until(until, AGAIN_S)
        else:
            return


async def sleep_until(event: asyncio.Event, seconds: float) -> None:
    """Sleep, but no longer than until the event is set."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
