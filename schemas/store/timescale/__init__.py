"""The store on PostgreSQL >= 15: plain, TimescaleDB Apache edition or full edition, chosen by asking the server."""

from __future__ import annotations

from psycopg import sql

from schemas.errors import BackpressureError
from schemas.sql import query
from schemas.store.abstract import Health
from schemas.store.timescale.edition import ask
from schemas.store.timescale.listen import Listen
from schemas.store.timescale.migrate import Migrator
from schemas.store.timescale.read import Read
from schemas.store.timescale.refusals import Refusals
from schemas.store.timescale.registry import Registry
from schemas.store.timescale.retention import Retention
from schemas.store.timescale.security import Security
from schemas.store.timescale.statements import fetch, run
from schemas.store.timescale.stream import Stream

__all__ = ["TimescaleStore"]


class TimescaleStore(Stream, Registry, Read, Refusals, Listen, Security, Migrator, Retention):
    """All roles over one pool: `TimescaleStore(dsn, min_size=, max_size=, application_name=)`, then `open()`."""

    async def health(self) -> Health:
        """Ask the server what it is and whether it answers; never raises."""
        try:
            async with self.transaction() as connection:
                self.edition = edition = await ask(connection)
                migrated = await fetch(connection, "SELECT to_regclass('schema_migration') IS NOT NULL")
                ((count,),) = await run(connection, "migrations_applied") if migrated[0][0] else [(0,)]
        except BackpressureError as error:
            return Health(False, self.edition.name, self.edition.version, 0, self.edition.time_zone, str(error))
        detail = "" if edition.trigrams else "without pg_trgm: searches read the whole incident table"
        return Health(count > 0, edition.name, edition.version, count, edition.time_zone, detail)

    async def checksum(self) -> dict[str, str]:
        """Give an order-free digest of every table's content."""
        async with self.transaction() as connection:
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            await connection.execute("SET LOCAL statement_timeout = 0")
            sums: dict[str, str] = {}
            for (table,) in await run(connection, "tables"):
                text = sql.SQL(query("checksum")).format(table=sql.Identifier(table))
                cursor = await connection.execute(text)
                sums[table] = str((await cursor.fetchone() or ("",))[0])
            return sums
