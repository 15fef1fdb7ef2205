"""What each process does, done under the role that it has on a server of others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from schemas.events import Source
from schemas.sql import read
from schemas.standing import Reach
from schemas.store.abstract import Commit, IncidentQuery, Offset
from schemas.store.keep import Keep
from schemas.store.security import Account, ApiKey, AuditEntry, Session
from schemas.store.timescale import TimescaleStore
from tests.contract.store.samples import T0, at, batch, changed, dead_letter, detection, observation, zone
from tests.contract.store.test_outages import FULL

Roles = dict[str, TimescaleStore]
DENIED = psycopg.errors.InsufficientPrivilege
KEEP = Keep(observations=1, events=1, resolved_letters=1, open_letters=1, rollups=1)


@pytest.fixture
async def roles(database_store: TimescaleStore, dsn: str) -> AsyncIterator[Roles]:
    """Give an open store for each role, on a server where the sources of the samples are registered."""
    with psycopg.connect(dsn) as connection:
        connection.execute(read("roles.sql"))
        connection.execute(read("roles.sql"))  # may be run again
    await database_store.put_sources([Source(id=name, kind="sensor", format="native") for name in ("river", "cameras")])
    names = ("canh_worker", "canh_api", "canh_read")
    stores = {name: TimescaleStore(make_conninfo(dsn, options=f"-c role={name}")) for name in names}
    for store in stores.values():
        await store.open()
    yield stores
    for store in stores.values():
        await store.close()


async def test_the_worker_writes_relays_and_forgets(roles: Roles) -> None:
    """All that the hops, the relay and the daily chores do; twice, so that repeats are seen too."""
    worker = roles["canh_worker"]
    for second in (0, 1):
        letters = [dead_letter(received_at=at(second))]
        await worker.commit(Commit(observations=FULL.observations, events=FULL.events, dead_letters=letters))
        await worker.commit(FULL)
        await worker.reset_offset(Offset("store", "t", 0, 0))
    conflict = Commit(observations=batch(observation(value=9.0)), events=[detection(label="fire")])
    assert (await worker.commit(conflict)).conflicts == 2
    async with worker.outbox_turn() as turn:
        await turn.done([item.id for item in await turn.waiting(9)])
    await worker.standing([Reach("s", "e", "fire", T0, T0)])
    assert await worker.rule_states("t", 0)
    assert (await worker.source_health())[1].refused > 0
    old = datetime.now(UTC) - timedelta(days=9)
    await worker.commit(
        Commit(
            observations=batch(observation(device="old", observed_at=old, received_at=old)),
            events=[detection(id="old", observed_at=old, received_at=old)],
            dead_letters=[dead_letter(raw=b"old", received_at=old)],
        )
    )
    assert await worker.retain(KEEP) >= 1


async def test_the_api_refuses_orders_and_reads(roles: Roles) -> None:
    """A request that is refused whole is a dead letter and counts; people act; registries are kept."""
    await roles["canh_worker"].commit(FULL)
    api = roles["canh_api"]
    for second in (0, 1):
        await api.commit(Commit(dead_letters=[dead_letter(raw=b"at the door", partition=-1, received_at=at(second))]))
    assert (await api.source_health())[1].refused == 2
    await api.commit(Commit(incidents=[changed(2)], audit=[AuditEntry(at(1), "an", "ack", "incident-1", "ok")]))
    await api.put_sources([Source(id="other", kind="sensor", format="native")])
    await api.put_zones([zone()])
    await api.put_account(Account("an", "operator", "hash"))
    await api.put_session(Session(b"t", "an", "c", T0, datetime.now(UTC) + timedelta(hours=1)))
    await api.drop_session(b"t")
    await api.put_api_key(ApiKey("k", b"s", "t", ("ingest",), ("river",), T0))
    page = await api.waiting_dead_letters(until=at(9), limit=9)
    assert await api.resolve_dead_letters([letter.id for letter in page], at(9)) == 2
    assert len((await api.incidents(IncidentQuery(), 9)).items) == 1
    assert await api.feed(0, 9)


async def test_a_reader_reads(roles: Roles) -> None:
    """Incidents, charts and dead letters, and nothing is written."""
    await roles["canh_worker"].commit(FULL)
    reader = roles["canh_read"]
    assert len((await reader.incidents(IncidentQuery(), 9)).items) == 1
    assert len(await reader.series("gauge-1", "water_level", T0, at(9), 60)) == 1
    assert (await reader.dead_letters())[0].raw == dead_letter().raw
    with pytest.raises(DENIED):
        await reader.commit(Commit(audit=[AuditEntry(at(2), "x", "y", "z", "ok")]))
    with pytest.raises(DENIED):
        await reader.resolve_dead_letters([dead_letter().id], at(9))


async def test_what_a_role_may_not_forget_is_left_and_told(roles: Roles, caplog: pytest.LogCaptureFixture) -> None:
    """The retention of a user without the rights goes on instead of ending the process."""
    await roles["canh_worker"].commit(FULL)
    assert await roles["canh_read"].retain(KEEP) == 0
    assert "retention.denied" in caplog.text
    assert len(await roles["canh_read"].dead_letters()) == 1


async def test_nobody_has_more_than_they_need(roles: Roles) -> None:
    """Workers and readers never see passwords, the API writes no telemetry; nobody rewrites the audit log."""
    await roles["canh_worker"].commit(FULL)
    for name in ("canh_worker", "canh_read"):
        with pytest.raises(DENIED):
            await roles[name].accounts()
    with pytest.raises(DENIED):
        await roles["canh_api"].commit(Commit(observations=batch(observation(observed_at=at(9)))))
    for store in roles.values():
        for deed in ("UPDATE audit SET actor = 'x'", "DELETE FROM audit", "TRUNCATE audit"):
            with pytest.raises(DENIED):
                async with store.transaction() as connection:
                    await connection.execute(deed)
