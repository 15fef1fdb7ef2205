from __future__ import annotations

import asyncio

import psycopg
import pytest

from schemas.errors import UsageError
from schemas.sql import migrations, read
from schemas.store.timescale import TimescaleStore, migrate
from tests.contract.store.conftest import DATABASES
from tests.contract.store.test_outages import FULL
from tests.servers import DatabaseServer

#: Everything that makes two databases differ, as text.
DESCRIBE = """
SELECT 'column', concat_ws(' ', table_name, column_name, data_type, is_nullable, column_default, is_identity)
FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL
SELECT 'index', indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL
SELECT 'constraint', conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT 'view', viewname || ' ' || definition FROM pg_views WHERE schemaname = 'public'
UNION ALL
SELECT 'function', pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL
SELECT 'trigger', pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL
SELECT 'options', relname || ' ' || coalesce(reloptions::text, '') FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
ORDER BY 1, 2
"""
OLD_ROW = """
INSERT INTO observation (observed_at, device, metric, value, source, received_at, zone_ids, marks)
VALUES ('2025-11-19T00:00:00Z', 'old', 'rain', 1.5, 's', '2025-11-19T00:00:01Z', '{}', '{}')
"""
#: Written by the migrator itself, not by the files.
OWN = "schema_migration"


def describe(dsn: str) -> list[tuple[str, str]]:
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(DESCRIBE).fetchall()
    return [(kind, text) for kind, text in rows if OWN not in text]


@pytest.mark.integration
def test_the_migrations_give_the_schema(postgres: DatabaseServer) -> None:
    """schema.sql and the sum of all migrations describe the same database, its first rows too."""
    truth, summed = postgres.create_database(), postgres.create_database()
    with psycopg.connect(truth) as connection:
        connection.execute(read("schema.sql"))
    with psycopg.connect(summed) as connection:
        for migration in migrations():
            connection.execute(migration.text)
    assert len(describe(truth)) > 150
    assert describe(truth) == describe(summed)
    for table in ("feed_head", "audit_head", "registry_version"):
        with psycopg.connect(truth) as one, psycopg.connect(summed) as two:
            rows = f"SELECT t::text FROM {table} t"
            assert one.execute(rows).fetchall() == two.execute(rows).fetchall() != []


async def test_migrating_twice_applies_nothing(dsn: str) -> None:
    """The first run names what it applied, the second nothing, and health counts them."""
    store = TimescaleStore(dsn)
    await store.open()
    assert not (await store.health()).ready
    assert await store.migrate() == [migration.name for migration in migrations()]
    assert await store.migrate() == []
    health = await store.health()
    assert (health.ready, health.migrations, health.time_zone) == (True, len(migrations()), "UTC")
    await store.close()


async def test_rows_of_the_first_version_are_kept(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the first migration's tables hold is there after all others, and a migration more changes no row."""
    first, *others = migrations()
    store = TimescaleStore(dsn)
    await store.open()
    with monkeypatch.context() as patch:
        patch.setattr(migrate, "migrations", lambda: [first])
        assert await store.migrate() == [first.name]
    with psycopg.connect(dsn) as connection:
        connection.execute(OLD_ROW)
    assert await store.migrate() == [migration.name for migration in others]
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT device, value FROM observation").fetchall() == [("old", 1.5)]
    await store.commit(FULL)
    before = await store.checksum()
    assert await store.migrate() == []
    assert await store.checksum() == before
    await store.close()


async def test_many_migrators_at_once(dsn: str) -> None:
    """One applies, the others wait and find nothing to do."""
    stores = [TimescaleStore(dsn) for _ in range(4)]
    for store in stores:
        await store.open()
    applied = await asyncio.gather(*(store.migrate() for store in stores))
    assert sorted(map(len, applied)) == [0, 0, 0, len(migrations())]
    for store in stores:
        await store.close()


async def test_a_changed_file_is_told(database_store: TimescaleStore, dsn: str) -> None:
    """A file that was changed after it had been applied stops the migration with its name and the mend."""
    with psycopg.connect(dsn) as connection:
        connection.execute("UPDATE schema_migration SET checksum = 'other' WHERE name = '0001_initial'")
    with pytest.raises(UsageError, match=r"0001_initial was changed .* restore the file"):
        await database_store.migrate()


async def test_a_newer_database_is_told(database_store: TimescaleStore, dsn: str) -> None:
    """A migration that this version does not know stops it: an old program must not write to a new database."""
    with psycopg.connect(dsn) as connection:
        connection.execute("INSERT INTO schema_migration (name, checksum) VALUES ('9999_future', '')")
    with pytest.raises(UsageError, match="9999_future"):
        await database_store.migrate()


@pytest.mark.parametrize("dsn", DATABASES, indirect=True)
async def test_the_edition_is_what_the_server_can_do(database_store: TimescaleStore, dsn: str) -> None:
    """Hypertables of one day where TimescaleDB is, plain tables elsewhere; a trigram index on both."""
    edition = database_store.edition
    assert (await database_store.health()).edition == edition.name
    with psycopg.connect(dsn) as connection:
        extension = connection.execute("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'").fetchone()
        assert edition.hypertables == (extension is not None)
        indexes = connection.execute("SELECT indexname FROM pg_indexes WHERE tablename = 'incident'").fetchall()
        assert (("incident_folded",) in indexes) == edition.trigrams
        if edition.hypertables:
            chunks = "SELECT hypertable_name, time_interval::text FROM timescaledb_information.dimensions ORDER BY 1"
            assert connection.execute(chunks).fetchall()[-2:] == [("event", "1 day"), ("observation", "1 day")]
