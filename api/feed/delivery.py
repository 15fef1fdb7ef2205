"""Brings one stream to its client over either transport: at once while the client takes it, else in a task."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from api.feed.begin import begin
from api.feed.frame import Packet
from api.feed.stream import Stream

#: Sends some messages; returns when the connection has room for more.
Write = Callable[[list[Packet]], Coroutine[Any, Any, None]]


class Delivery:
    """A client is live when it has everything: the pump serves it then, and no task of ours waits for it.

    Whatever needs waiting (history, a connection that is full, the question whether the reader may still read) is done
    in a task that lasts until the client is live again.
    """

    def __init__(self, stream: Stream, write: Write) -> None:
        self._stream = stream
        self._write = write
        self._feed = stream.broadcaster
        self._stay = asyncio.timeout(None)
        self._task: asyncio.Task[None] | None = None
        self._gone = False
        self._cut = False

    async def run(self, left: Awaitable[None]) -> bool:
        """Send until the client has `left` or must go; True when a last word can be said to it."""
        self._feed.enter(self._stream.actor)
        try:
            async with self._stay:
                self._go_slowly(None)
                await left
        except TimeoutError:  # `end`
            return not self._cut
        finally:
            self._gone = True
            self._feed.pump.discard(self)
            self._feed.leave(self._stream.actor)
            await self._settle()
        return False

    def push(self, now_s: float) -> None:
        """Give the client what is new; see `Live`."""
        piece = self._stream.fresh(now_s)
        if piece is None:
            self._go_slowly(None)
        elif piece and (rest := begin(self._write(piece))) is not None:
            self._go_slowly(rest)
        elif self._stream.cursor < self._feed.position:  # more than one piece
            self._go_slowly(None)

    def end(self) -> None:
        """Let the client go."""
        if not self._gone:
            self._gone = True
            self._feed.pump.discard(self)
            self._stay.reschedule(0.0)  # at once

    def _go_slowly(self, rest: Awaitable[None] | None) -> None:
        self._feed.pump.discard(self)
        self._task = asyncio.create_task(self._catch_up(rest))

    async def _catch_up(self, rest: Awaitable[None] | None) -> None:
        try:
            if rest is not None:
                await self._in_time(rest)
            async for piece in self._stream.missed():
                await self._in_time(self._write(piece))
        except TimeoutError:
            self._cut = True
            self._feed.cut += 1
        finally:
            self._go_live_or_end()

    def _go_live_or_end(self) -> None:
        if self._stream.live and not self._gone and not self._cut:
            self._feed.pump.add(self)
            self.push(time.monotonic())  # what came since the last look
        else:
            self.end()

    async def _in_time(self, work: Awaitable[None]) -> None:
        async with asyncio.timeout(self._stream.config.send_timeout_s):
            await work

    async def _settle(self) -> None:
        """End the task; what went wrong in it went wrong in the response."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
            if not self._task.cancelled():
                self._task.result()
