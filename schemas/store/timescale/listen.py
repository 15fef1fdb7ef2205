"""Wakes who waits for the feed or the registry: LISTEN on its own connection, and a look each second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import psycopg

from schemas.errors import BackpressureError
from schemas.sql import query
from schemas.store.timescale.failures import translated
from schemas.store.timescale.pool import Pooled
from schemas.store.timescale.statements import fetch

#: A lost NOTIFY (failover, pooler in between) costs at most this.
POLL_S = 1.0
#: Between two attempts to connect again.
RETRY_S = 0.5


class Listen(Pooled):
    """The live part of `ReadStore`; each iterator holds one connection until it is closed."""

    def feed_changes(self) -> AsyncIterator[int]:
        """Give the head at once, and a new head soon after each commit that moved the feed."""
        return self._numbers("canh_feed", "feed_head")

    def registry_changes(self) -> AsyncIterator[int]:
        """Give the registry's version at once, and again when it has risen."""
        return self._numbers("canh_registry", "registry_version")

    async def _numbers(self, channel: str, name: str) -> AsyncIterator[int]:
        last: int | None = None
        while True:
            try:
                async with aclosing(self._listen(channel, name)) as numbers:
                    async for number in numbers:
                        if number != last:
                            last = number
                            yield number
            except BackpressureError:
                await asyncio.sleep(RETRY_S)

    async def _listen(self, channel: str, name: str) -> AsyncGenerator[int]:
        """Give the number at once, after each notification, and each second; raises BackpressureError."""
        with translated():
            connection = await self.connect()
        try:
            with translated():
                await connection.execute(f"LISTEN {channel}")
            while True:
                with translated():
                    ((number,),) = await fetch(connection, query(name))
                yield number
                await _wait(connection)
        finally:
            await connection.close()


async def _wait(connection: psycopg.AsyncConnection[tuple[object, ...]]) -> None:
    """Return after a notification or a second."""
    with translated():
        async with aclosing(connection.notifies(timeout=POLL_S, stop_after=1)) as notifications:
            async for _ in notifications:
                pass
