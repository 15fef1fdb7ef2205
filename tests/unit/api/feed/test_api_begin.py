"""Work that is begun by hand does, step by step, what it does when it is awaited."""

from __future__ import annotations

import asyncio

import pytest

from api.feed.begin import begin


async def test_work_that_needs_no_waiting_is_done_at_once() -> None:
    """Nothing is left to await."""
    done: list[str] = []

    async def deeper() -> None:
        done.append("work")

    async def work() -> None:
        await deeper()

    assert begin(work()) is None
    assert done == ["work"]


async def test_the_rest_goes_on_in_another_task() -> None:
    """It waits as often as it must, gets what it waited for, and may use time-outs after its first wait."""
    gate, got = asyncio.get_running_loop().create_future(), asyncio.Queue[str]()
    heard: list[str] = []

    async def work() -> None:
        heard.append(await gate)
        async with asyncio.timeout(30):
            heard.append(await got.get())

    rest = begin(work())
    assert rest is not None
    waiting = asyncio.ensure_future(rest)
    await asyncio.sleep(0)
    gate.set_result("first")
    await asyncio.sleep(0)
    got.put_nowait("second")
    await waiting
    assert heard == ["first", "second"]


async def test_a_cancelled_rest_cleans_up() -> None:
    """The work is told, and its task is cancelled."""
    told: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            told.append("cancelled")

    rest = begin(work())
    assert rest is not None
    waiting = asyncio.ensure_future(rest)
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert told == ["cancelled"]


@pytest.mark.parametrize("later", [False, True])
async def test_what_goes_wrong_is_raised_where_the_rest_is_awaited(*, later: bool) -> None:
    """At once or after a wait: who begins it is not disturbed."""

    async def work() -> None:
        if later:
            await asyncio.sleep(0)
        raise ValueError("bad")

    rest = begin(work())
    assert rest is not None
    with pytest.raises(ValueError, match="bad"):
        await rest
