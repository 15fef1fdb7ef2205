"""Hands what is new to every live client, one after the other, without waiting for any of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

#: Clients served before others of the event loop get a turn: a few milliseconds of work.
TURN = 100
#: Beats are looked for so often within a beat's time, and at least so often (seconds).
TICKS, TICK_S = 5, 0.25


class Live(Protocol):
    """A client that has everything up to its cursor and takes what is given."""

    def push(self, now_s: float) -> None:
        """Give the client what is new, and its beat when it is due; never waits, never raises."""

    def end(self) -> None:
        """Let the client go."""


class Pump:
    """One per process."""

    def __init__(self, beat_s: float) -> None:
        self._tick_s = min(TICK_S, beat_s / TICKS)
        self._live: dict[Live, None] = {}

    def add(self, client: Live) -> None:
        """Serve a client from the next round on: what is new since its cursor is not lost."""
        self._live[client] = None

    def discard(self, client: Live) -> None:
        """Serve a client no more."""
        self._live.pop(client, None)

    async def run(self, news: Callable[[float], Awaitable[bool]]) -> None:
        """Serve until the feed ends; `news` waits for something new, so many seconds at most; False: the end."""
        while await news(self._tick_s):
            await self._round()

    async def _round(self) -> None:
        for number, client in enumerate(list(self._live), 1):
            if client in self._live:  # it may have left meanwhile
                client.push(time.monotonic())
            if not number % TURN:
                await asyncio.sleep(0)

    def end_all(self) -> None:
        """Let all clients go."""
        for client in list(self._live):
            client.end()
