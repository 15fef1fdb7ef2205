"""What only the full edition of TimescaleDB does: CANH_TEST_TIMESCALE_DSN names a server that has it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import psycopg
import pytest

from schemas.store.abstract import Commit
from schemas.store.keep import Keep
from schemas.store.timescale import TimescaleStore
from tests.contract.store.conftest import drop, migrated
from tests.contract.store.samples import at, batch, observation
from tests.servers.embedded import fresh_database

SERVER = os.environ.get("CANH_TEST_TIMESCALE_DSN", "")


@pytest.fixture
async def full() -> AsyncIterator[tuple[TimescaleStore, str]]:
    """Give a store on the full edition and its address."""
    if not SERVER:
        pytest.skip("TimescaleDB full edition: set CANH_TEST_TIMESCALE_DSN to a server that has it")
    dsn = psycopg.conninfo.make_conninfo(SERVER, dbname=fresh_database(SERVER))
    store = await migrated(dsn)
    assert store.edition.name == "timescale"
    yield store, dsn
    await store.close()
    drop(dsn)


async def test_policies_are_there_once(full: tuple[TimescaleStore, str]) -> None:
    """Compression, three rollups and the retention of all five are jobs of the server; migrating again adds none."""
    store, dsn = full
    await store.migrate()
    await store.retain(Keep(observations=90))
    await store.retain(Keep(observations=60, events=365, rollups=1825))
    with psycopg.connect(dsn) as connection:
        jobs = "SELECT proc_name, count(*) FROM timescaledb_information.jobs WHERE job_id >= 1000 GROUP BY 1 ORDER BY 1"
        found: dict[str, int] = dict(connection.execute(jobs).fetchall())
        views = "SELECT count(*) FROM timescaledb_information.continuous_aggregates WHERE NOT materialized_only"
        assert connection.execute(views).fetchone() == (3,)
    assert found["policy_refresh_continuous_aggregate"] == 3
    assert found["policy_retention"] == 2 + 3
    assert any("compression" in name or "columnstore" in name for name in found)


async def test_conflicts_over_compressed_chunks_lose_nothing(full: tuple[TimescaleStore, str]) -> None:
    """A thousand rows of which ten are there already, compressed: 990 are written (timescaledb issue 7672)."""
    store, dsn = full
    rows = [observation(observed_at=at(i)) for i in range(1000)]
    await store.commit(Commit(observations=batch(*rows[::100])))
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SELECT compress_chunk(c) FROM show_chunks('observation') c")
    done = await store.commit(Commit(observations=batch(*rows)))
    assert (done.inserted, done.duplicates) == (990, 10)
    assert len(await store.series("gauge-1", "water_level", at(0), at(1000), 0)) == 1000
