from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.structs import TopicPartition

from streams import fetch as fetching
from streams.fetch import EMPTY_FETCH_S, FetchThread, _unhurried


@pytest.mark.parametrize("found", [True, False])
async def test_only_an_empty_fetch_waits(*, found: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """What came is given on at once; a fetch that came back empty at once takes a moment, so that it does not spin."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(fetching, "monotonic", lambda: 0.0)
    monkeypatch.setattr("streams.fetch.asyncio.sleep", sleep)

    async def fetch(asked: str) -> bool:
        return asked == "something"

    assert await _unhurried(fetch)("something" if found else "nothing") is found
    assert waits == ([] if found else [EMPTY_FETCH_S])


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


@pytest.mark.parametrize("ours", [True, False])
async def test_only_what_is_ours_is_committed(*, ours: bool) -> None:
    """A commit that comes after all partitions were taken away commits nothing, and ends nobody."""
    here = TopicPartition("canh.raw.bulk", 0)
    asked: list[Any] = []

    async def commit(offsets: Any) -> None:
        asked.append(offsets)

    thread: Any = SimpleNamespace(
        _ensure_consumer=lambda: SimpleNamespace(commit=commit), assignment=lambda: {here} if ours else set()
    )
    assert await FetchThread._commit(thread, {here: 5}) is ours
    assert [list(offsets) for offsets in asked] == ([[here]] if ours else [])
