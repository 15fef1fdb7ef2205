from __future__ import annotations

import asyncio
from time import monotonic

import pytest

from streams.transport import EMPTY_FETCH_S, _unhurried


@pytest.mark.parametrize("found", [True, False])
async def test_only_an_empty_fetch_waits(*, found: bool) -> None:
    """What came is given on at once; a fetch that came back empty at once takes a moment, so that it does not spin."""

    async def fetch(asked: str) -> bool:
        return asked == "something"

    begun = monotonic()
    assert await _unhurried(fetch)("something" if found else "nothing") is found
    assert (monotonic() - begun < EMPTY_FETCH_S / 2) is found


async def test_a_wait_that_is_cancelled_ends_quietly() -> None:
    """Who cancels a fetch awaits it without a guard, as aiokafka's own fetch allows."""

    async def fetch() -> bool:
        return False

    async def calm() -> bool:
        return await _unhurried(fetch)()

    task = asyncio.create_task(calm())
    await asyncio.sleep(0)
    task.cancel()
    assert await task is False
