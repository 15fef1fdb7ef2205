"""Sends one stream as Server-Sent Events; a client that does not take a piece in time is cut."""

from __future__ import annotations

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.feed.delivery import Delivery
from api.feed.frame import Packet
from api.feed.stream import Stream

#: The browser waits this long before it connects again.
RETRY_MS = 2000


class EventStream(Response):
    """The response of the SSE route (raw ASGI: no thread, no buffer of our own)."""

    media_type = "text/event-stream"

    def __init__(self, stream: Stream) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the client leaves, is too slow, or may no longer read."""
        del scope

        async def write(piece: list[Packet]) -> None:
            await _send(send, b"".join([packet.sse for packet in piece]))

        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await _send(send, b"retry: %d\n\n" % RETRY_MS)
        if await Delivery(self._stream, write).run(_left(receive)):
            await _send(send, b"", more=False)


async def _send(send: Send, body: bytes, *, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
