from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from schemas.store.abstract import Store
from schemas.store.memory import MemoryStore
from schemas.store.timescale import TimescaleStore
from tests.servers import DatabaseServer, temporary_home
from tests.servers.embedded import EmbeddedDatabase
from tests.servers.fixtures import started
from tests.servers.timescale import Timescale

DATABASES = [
    pytest.param("postgres", marks=pytest.mark.integration),
    pytest.param("timescale", marks=pytest.mark.integration),
]


@pytest.fixture(scope="session")
def postgres() -> Iterator[DatabaseServer]:
    yield from started(EmbeddedDatabase(temporary_home()))


@pytest.fixture(scope="session")
def timescale() -> Iterator[DatabaseServer]:
    yield from started(Timescale(temporary_home()))


@pytest.fixture(params=DATABASES)
def dsn(request: pytest.FixtureRequest) -> Iterator[str]:
    """Give an empty database of each kind of server, gone afterwards."""
    server: DatabaseServer = request.getfixturevalue(request.param)
    dsn = server.create_database()
    yield dsn
    drop(dsn)


@pytest.fixture
async def database_store(dsn: str) -> AsyncIterator[TimescaleStore]:
    """Give a migrated store of each kind of server."""
    store = await migrated(dsn)
    yield store
    await store.close()


@pytest.fixture(params=["memory", *DATABASES])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    """Give an empty store of every kind."""
    if request.param == "memory":
        yield MemoryStore()
        return
    server: DatabaseServer = request.getfixturevalue(request.param)
    dsn = server.create_database()
    store = await migrated(dsn)
    yield store
    await store.close()
    drop(dsn)


async def migrated(dsn: str) -> TimescaleStore:
    store = TimescaleStore(dsn, min_size=1, max_size=8)
    await store.open()
    await store.migrate()
    return store


def drop(dsn: str) -> None:
    """Take a database away: TimescaleDB keeps a worker for each."""
    name = str(conninfo_to_dict(dsn)["dbname"])
    with psycopg.connect(dsn, dbname="postgres", autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
