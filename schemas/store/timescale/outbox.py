"""Gives the outbox to one relay at a time: advisory lock, LISTEN, reads and deletes on one connection of its own.

The lock lives as long as the connection: a relay that lost its turn can neither read nor forget anything any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

import msgspec

from schemas.store.outbox import OutboxItem
from schemas.store.timescale.failures import translated
from schemas.store.timescale.statements import Connection, Row, run

#: Key of the advisory lock: "outb" in ASCII.
LOCK = 0x6F757462
#: Between two tries for the turn. Not pg_advisory_lock: a statement that waits holds a snapshot, so nothing that is
#: deleted meanwhile could be cleaned up.
TRY_S = 0.5
#: A session that asks nothing for so long is ended, so that a relay that stands still gives its turn up; longer than
#: a broker is waited for (twice the publisher's time-out).
IDLE = "45s"

_headers = msgspec.json.Decoder(list[tuple[str, str]])


class Turn:
    """The outbox in the hands of the one relay whose turn it is; see `schemas.store.abstract.OutboxTurn`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def waiting(self, limit: int) -> list[OutboxItem]:
        """Give the oldest waiting records, in order."""
        with translated():
            return items(await run(self._connection, "outbox", {"limit": limit}))

    async def done(self, ids: Sequence[int]) -> None:
        """Forget records that the broker has."""
        with translated():
            await run(self._connection, "outbox_done", {"ids": list(ids)})

    async def more(self, timeout_s: float) -> None:
        """Return soon after another record waits, or when the time is over."""
        with translated():
            async with aclosing(self._connection.notifies(timeout=timeout_s, stop_after=1)) as notifications:
                async for _ in notifications:
                    pass


@asynccontextmanager
async def turn(connection: Connection) -> AsyncIterator[Turn]:
    """Wait until nobody else has the turn, and have it until the end; closes the connection."""
    try:
        with translated():
            await connection.execute("SELECT set_config('idle_session_timeout', %s, false)", [IDLE])
            while not (await run(connection, "try_lock", {"key": LOCK}))[0][0]:  # noqa: ASYNC110 -- see TRY_S
                await asyncio.sleep(TRY_S)
            await connection.execute("LISTEN canh_outbox")
        yield Turn(connection)
    finally:
        await connection.close()


def items(rows: Sequence[Row]) -> list[OutboxItem]:
    """Make the records of rows of the query `outbox`."""
    return [OutboxItem(id_, topic, key, _bytes(headers), value) for id_, topic, key, headers, value in rows]


def _bytes(headers: str) -> list[tuple[str, bytes]]:
    return [(name, value.encode()) for name, value in _headers.decode(headers)]
