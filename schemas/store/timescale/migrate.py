"""Brings a database to the state of the files: one migrator at a time, forward only, then what the edition can do."""

from __future__ import annotations

import psycopg

from schemas.errors import BackpressureError, UsageError
from schemas.sql import Migration, migrations, named, read
from schemas.store.timescale.edition import LEAST_TIMESCALE, Edition, ask, version_of
from schemas.store.timescale.failures import translated
from schemas.store.timescale.pool import Pooled
from schemas.store.timescale.statements import Connection, fetch

#: Any number that nobody else uses: "canh" in ASCII.
LOCK = 0x63616E68
#: How long to wait for another migrator, and how long one statement may hold up the readers of a table.
WAIT_S = 60
LOCK_TIMEOUT = "5s"

_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migration (
    name       text        PRIMARY KEY,
    checksum   text        NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""
_AVAILABLE = """
SELECT name, default_version FROM pg_available_extensions e
WHERE installed_version IS NULL AND (name = 'pg_trgm'
   OR name = 'timescaledb' AND EXISTS (SELECT FROM pg_settings WHERE name LIKE 'timescaledb.%'))
ORDER BY name
"""


class Migrator(Pooled):
    """The role that changes the schema."""

    async def migrate(self) -> list[str]:
        """Apply what is missing under a lock; give the names of the migrations that were applied.

        Raises UsageError when a file was changed after it had been applied, or the database is newer than the files.
        """
        with translated():
            async with await self.connect() as connection:
                await _lock(connection)
                applied = await _apply_missing(connection)
                await _add_extensions(connection)
                self.edition = await ask(connection)
                await _apply_edition(connection, self.edition)
                return applied

    async def grant_roles(self) -> None:
        """Make the roles of roles.sql and give them their rights; safe to repeat, and due after each migration.

        Raises UsageError when this user may not make roles, or does not own the tables.
        """
        with translated():
            async with await self.connect() as connection:
                await _lock(connection)
                try:
                    await connection.execute(read("roles.sql").encode())
                except psycopg.errors.InsufficientPrivilege as error:
                    raise UsageError(
                        f"The database refuses: {error.diag.message_primary}. Run `canh migrate --roles` as the owner "
                        "of the tables, who needs CREATEROLE the first time."
                    ) from error


async def _lock(connection: Connection) -> None:
    """Hold the lock until this connection closes."""
    await connection.execute("SELECT set_config('lock_timeout', %s, false)", [f"{WAIT_S}s"])
    await connection.execute("SELECT set_config('statement_timeout', '0', false)")
    try:
        await connection.execute("SELECT pg_advisory_lock(%s)", [LOCK])
    except psycopg.errors.LockNotAvailable as error:
        raise BackpressureError(f"another migration has been running for {WAIT_S} s: wait for its end") from error
    await connection.execute("SELECT set_config('lock_timeout', %s, false)", [LOCK_TIMEOUT])


async def _apply_missing(connection: Connection) -> list[str]:
    await connection.execute(_TABLE)
    applied: dict[str, str] = dict(await fetch(connection, "SELECT name, checksum FROM schema_migration"))
    files = migrations()
    _check(applied, files)
    missing = [migration for migration in files if migration.name not in applied]
    for migration in missing:
        async with connection.transaction():
            await connection.execute(migration.text)
            await connection.execute(
                "INSERT INTO schema_migration (name, checksum) VALUES (%s, %s)", [migration.name, migration.checksum]
            )
    return [migration.name for migration in missing]


def _check(applied: dict[str, str], files: list[Migration]) -> None:
    checksums = {migration.name: migration.checksum for migration in files}
    for name, checksum in sorted(applied.items()):
        if name not in checksums:
            raise UsageError(
                f"the database has migration {name}, which this version of Canh does not know: update Canh"
            )
        if checksums[name] != checksum:
            raise UsageError(
                f"migration {name} was changed after it had been applied: restore the file, and add a new number for it"
            )


async def _add_extensions(connection: Connection) -> None:
    """Add what is on the server and may be used; without the right to do so the database stays as it is."""
    for name, version in await fetch(connection, _AVAILABLE):
        if name == "timescaledb" and version_of(version) < LEAST_TIMESCALE:
            continue
        try:
            await connection.execute(f"CREATE EXTENSION IF NOT EXISTS {name}")
        except psycopg.errors.InsufficientPrivilege:
            continue


async def _apply_edition(connection: Connection, edition: Edition) -> None:
    pieces = named("timescale.sql")
    wanted = ["trigrams"] if edition.trigrams else []
    wanted += ["hypertables"] if edition.hypertables else []
    wanted += ["columnstore"] if edition.policies else []
    if edition.policies and not await fetch(connection, pieces["rollups_made"]):
        wanted += ["rollups"]
    for piece in wanted:
        async with connection.transaction():
            await connection.execute(pieces[piece])
