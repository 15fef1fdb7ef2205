"""Lets a hop work on several partitions at once, each in order; a takeover waits until nothing is under way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Generic, Self, TypeVar

from streams.watermark import Place

Work = TypeVar("Work")


class Crew(Generic[Work]):
    """Does pieces of work side by side, at most `most` of them; whoever leaves it early leaves none under way."""

    def __init__(self, do: Callable[[Work], Awaitable[None]], most: int) -> None:
        self._do = do
        self._room = asyncio.Semaphore(most)
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def begin(self, work: Work) -> None:
        """Begin a piece of work as soon as there is room for it; they begin in this order."""
        await self._room.acquire()
        task = asyncio.create_task(self._run(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, work: Work) -> None:
        try:
            await self._do(work)
        finally:
            self._room.release()


class Turns:
    """Gives turns: one at a time to each partition, `at_once` of them at a time, first come, first served."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._free = asyncio.Semaphore(at_once)
        self._places: dict[Place, asyncio.Lock] = {}
        self._gate = asyncio.Lock()  # held by whoever waits for turns: nobody overtakes
        self._taken = 0

    @property
    def taken(self) -> bool:
        """Tell whether somebody has a turn."""
        return self._taken > 0

    @asynccontextmanager
    async def of(self, place: Place) -> AsyncIterator[None]:
        """Have the turn of a partition."""
        async with self._places.setdefault(place, asyncio.Lock()), self._one():
            yield

    @asynccontextmanager
    async def all(self) -> AsyncIterator[None]:
        """Have every turn there is: what has one is waited for, what comes later waits."""
        async with self._gate:
            await self._gather(self._at_once)
            try:
                yield
            finally:
                self._give_back(self._at_once)

    @asynccontextmanager
    async def _one(self) -> AsyncIterator[None]:
        async with self._gate:
            await self._gather(1)
        try:
            yield
        finally:
            self._give_back(1)

    async def _gather(self, count: int) -> None:
        for got in range(count):
            try:
                await self._free.acquire()
            except BaseException:
                self._give_back(got)
                raise
            self._taken += 1

    def _give_back(self, count: int) -> None:
        self._taken -= count
        for _ in range(count):
            self._free.release()
