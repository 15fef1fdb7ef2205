"""A process of its own: the API over the memory store on a free port; prints how to reach it as one JSON line."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from datetime import datetime, timedelta

import uvloop

from api.app import create_app
from api.config import ApiConfig, FeedConfig, Limits
from api.security import sessions
from api.server import server
from schemas.store.abstract import Commit
from schemas.store.memory import MemoryStore
from schemas.store.security import Account
from tests.doubles import FakePublisher, make_incident, now, opening, refuse_bad


async def fill(store: MemoryStore, at: datetime) -> dict[str, str]:
    """Put one incident and one admin into the store; gives the admin's cookie and token."""
    await store.commit(Commit(incidents=(opening(make_incident("i", at)),)))
    await store.put_account(Account("an", "admin", ""))
    session, token = sessions.new_session("an", at, timedelta(hours=1).total_seconds())
    await store.put_session(session)
    return {"cookie": f"canh_session={token}", "csrf": session.csrf}


async def main(send_timeout_s: float, send_buffer: int) -> None:
    """Serve until SIGTERM."""
    store = MemoryStore()
    login = await fill(store, now())
    config = ApiConfig(
        feed=FeedConfig(send_timeout_s=send_timeout_s),
        limits=Limits(streams_each=5000, reads="100000 per minute", orders="100000 per minute"),
        password_cost=(1, 8, 1),
    )
    app = create_app(store=store, publisher=FakePublisher(), check=refuse_bad, clock=now, config=config)
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    if send_buffer:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    port = listener.getsockname()[1]
    sys.stdout.write(json.dumps({"port": port, "pid": os.getpid(), **login}) + "\n")
    sys.stdout.flush()
    await server(app, "127.0.0.1", port).serve(sockets=[listener])


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(float(sys.argv[1]), int(sys.argv[2])))
