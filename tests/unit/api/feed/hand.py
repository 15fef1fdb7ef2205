"""A client of the feed that a test moves by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from api.feed.delivery import Delivery
from api.feed.frame import Packet
from api.feed.stream import Stream


async def taken(stream: Stream) -> AsyncGenerator[list[Packet]]:
    """Give the pieces of a stream to a client that takes one when it asks for the next."""
    hand: asyncio.Queue[list[Packet]] = asyncio.Queue()
    leaving = asyncio.Event()

    async def write(piece: list[Packet]) -> None:
        await hand.put(piece)
        await hand.join()

    async def left() -> None:
        await leaving.wait()

    running = asyncio.create_task(Delivery(stream, write).run(left()))
    try:
        while True:
            getting = asyncio.ensure_future(hand.get())
            await asyncio.wait({getting, running}, return_when=asyncio.FIRST_COMPLETED)
            if not getting.done():
                getting.cancel()
                return
            yield getting.result()
            hand.task_done()
    finally:
        leaving.set()
        await running
