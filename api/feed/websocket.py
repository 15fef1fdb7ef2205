"""Sends one stream over a WebSocket: the same messages as JSON texts {event, id?, data}."""

from __future__ import annotations

import asyncio
import contextlib

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from api.feed.delivery import Delivery
from api.feed.frame import Packet
from api.feed.stream import Stream

#: WebSocket close codes (RFC 6455 7.4.1): going away, and a rule of ours was broken.
GOING_AWAY = 1001
POLICY = 1008


async def serve(socket: WebSocket, stream: Stream) -> None:
    """Send until the client leaves, is too slow, or may no longer read; what the client says is not listened to."""

    async def write(piece: list[Packet]) -> None:
        with contextlib.suppress(WebSocketDisconnect):  # `_left` hears of it too
            for packet in piece:
                await socket.send_text(packet.text)

    await socket.accept()
    await Delivery(stream, write).run(_left(socket))
    await _close(socket, stream)


async def _left(socket: WebSocket) -> None:
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


async def _close(socket: WebSocket, stream: Stream) -> None:
    if socket.client_state is WebSocketState.DISCONNECTED:
        return
    code = GOING_AWAY if stream.broadcaster.closed else POLICY
    with contextlib.suppress(RuntimeError, TimeoutError, WebSocketDisconnect):
        async with asyncio.timeout(stream.config.send_timeout_s):
            await socket.close(code)
