"""Holds the connections: reads a dsn, gives transactions whose errors are ours."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from schemas.sql import query
from schemas.store.timescale.arrays import ADAPTERS
from schemas.store.timescale.edition import Edition, ask
from schemas.store.timescale.failures import translated
from schemas.store.timescale.statements import Connection, Row, fetch

#: Seconds that a caller waits for a connection before it is told to come back later.
POOL_TIMEOUT_S = 5.0
#: Limits of one session: a statement, a lock, and a forgotten transaction (reliability study, section 5.3).
SESSION = {
    "timezone": "UTC",
    "statement_timeout": "30s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "60s",
    "synchronous_commit": "on",
}
#: A silent network is noticed within about 15 s instead of hours.
LINK: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 5,
    "tcp_user_timeout": 15_000,
}


class Pooled:
    """The base of every role of the store."""

    def __init__(self, dsn: str, *, min_size: int = 1, max_size: int = 4, application_name: str = "canh") -> None:
        self._dsn = dsn
        self._link = {**LINK, "application_name": application_name, "context": ADAPTERS}
        self._size = (min_size, max_size)
        self._pool = self._new_pool()
        self.edition = Edition()

    def _new_pool(self) -> AsyncConnectionPool[Connection]:
        return AsyncConnectionPool(
            self._dsn,
            kwargs=self._link,
            min_size=self._size[0],
            max_size=self._size[1],
            timeout=POOL_TIMEOUT_S,
            max_lifetime=1800,
            configure=_configure,
            reset=_reset,
            check=AsyncConnectionPool.check_connection,
            open=False,
            name=str(self._link["application_name"]),
        )

    async def open(self) -> None:
        """Connect and ask what the server can do; raises BackpressureError when it is away."""
        with translated():
            async with await self.connect() as connection:  # says why, where the pool would only say "timeout"
                self.edition = await ask(connection)
            try:
                await self._pool.open(wait=True, timeout=POOL_TIMEOUT_S)
            except psycopg.OperationalError:
                self._pool = self._new_pool()  # a pool opens once, but the caller may try again
                raise

    async def close(self) -> None:
        """Give all connections back."""
        await self._pool.close()

    async def connect(self) -> Connection:
        """Give a connection of its own, outside the pool, in autocommit (migrations, LISTEN)."""
        connection = await AsyncConnection.connect(self._dsn, autocommit=True, **self._link)
        await connection.execute(_SET, list(SESSION.values()))
        return connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Give a connection whose work is committed at the end, or undone by an error."""
        with translated():
            async with self._pool.connection() as connection:
                yield connection

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[Connection]:
        """Give a connection on which each statement is a transaction: without journeys to begin and to commit one."""
        async with self.transaction() as connection:
            await connection.set_autocommit(True)  # until the pool has it back
            yield connection

    async def rows(self, name: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        """Run one named query, a transaction by itself, give all rows."""
        async with self.alone() as connection:
            return await fetch(connection, query(name), parameters)


_SET = "SELECT " + ", ".join(f"set_config('{name}', %s, false)" for name in SESSION)


async def _configure(connection: Connection) -> None:
    await connection.execute(_SET, list(SESSION.values()))
    await connection.execute(query("make_stage"))
    await connection.commit()


async def _reset(connection: Connection) -> None:
    """Make a connection that comes back fit for whole transactions; one that cannot be is not used again."""
    if connection.autocommit:
        await connection.set_autocommit(False)
