"""Runs an app on uvicorn with the time-outs and limits that a live feed and hostile clients need."""

from __future__ import annotations

import asyncio
import socket
from typing import Any, cast

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

#: Idle connections are closed after this, in seconds (open feeds are not idle: they beat every 5 s).
KEEP_ALIVE_S = 15
#: A request's headers come within this time, in seconds.
HEADERS_S = 10.0
#: What was written before a close gets this long to be taken, in seconds.
LINGER_S = 5.0
#: What is still being answered at shutdown gets this long, in seconds; feeds are ended at once.
GRACE_S = 5
#: Connections that wait to be accepted; the kernel's own limit (somaxconn) may be lower.
BACKLOG = 2048
#: Nothing that a client says on a WebSocket is read: a small limit is enough, in bytes.
SOCKET_MESSAGE_BYTES = 4096


class FirmTransport:
    """A connection whose `close` ends it: what a stalled client does not take is thrown away after a moment.

    asyncio's own `close` waits for ever until everything was sent, so a client that never reads would keep its
    socket and buffer.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self.write = transport.write

    def __getattr__(self, name: str) -> Any:  # everything else is the transport's own
        return getattr(self._transport, name)

    def close(self) -> None:
        """Send what the client takes within a moment, then end the connection."""
        self._transport.close()
        self._loop.call_later(LINGER_S, self._transport.abort)


class TimedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, which also closes connections that do not finish their headers (slowloris)."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Start the time for the first request."""
        super().connection_made(cast("asyncio.Transport", FirmTransport(transport, self.loop)))
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the time."""
        self._came()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Start the time for a further request."""
        super().on_message_begin()
        if self._late is None:
            self._expect()

    def on_headers_complete(self) -> None:
        """Stop the time: the headers are there."""
        self._came()
        super().on_headers_complete()

    def _expect(self) -> None:
        self._late = self.loop.call_later(HEADERS_S, self.transport.close)

    def _came(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None


class Server(uvicorn.Server):
    """uvicorn's server, which ends the open feeds first: it would wait for them otherwise."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the feeds, then go down as usual."""
        self._app.state.context.broadcaster.close_streams()
        await super().shutdown(sockets)


def server(
    app: FastAPI, host: str, port: int, *, trusted_proxies: str | None = None, log_level: str = "warning"
) -> Server:
    """Give a server that is ready to `serve()`.

    `trusted_proxies` lists the addresses whose X-Forwarded-For is believed (None: nobody's). There is no limit on
    concurrent requests: an open feed is one, and feeds are limited for each reader.
    """
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http=TimedProtocol,
        ws="websockets-sansio",
        ws_max_size=SOCKET_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        log_level=log_level,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=trusted_proxies is not None,
        forwarded_allow_ips=trusted_proxies,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
        limit_concurrency=None,
    )
    return Server(config, app)


async def serve(
    app: FastAPI, host: str, port: int, *, trusted_proxies: str | None = None, log_level: str = "warning"
) -> None:
    """Serve on the running event loop until SIGINT or SIGTERM."""
    await server(app, host, port, trusted_proxies=trusted_proxies, log_level=log_level).serve()
