"""What only a real server can show: outages, tampering, rights."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from schemas.errors import BackpressureError
from schemas.sql import read
from schemas.standing import Reach
from schemas.store.abstract import Account, AuditEntry, Commit, IncidentQuery, Offset, RuleState
from schemas.store.timescale import TimescaleStore
from schemas.store.timescale.read import ROLLUPS, rollup_serves
from tests.contract.store.samples import T0, at, batch, changed, dead_letter, detection, observation, opened, signal

FULL = Commit(
    offset=Offset("store", "t", 0, 5),
    observations=batch(observation()),
    events=[detection()],
    dead_letters=[dead_letter()],
    rule_states=[RuleState("r", "k", "t", 0, b"s")],
    signals=[signal()],
    incidents=[opened()],
    audit=[AuditEntry(T0, "an", "ack", "incident-1", "ok")],
)


def terminate_others(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'canh'"
        )


async def test_a_server_that_is_away_is_waited_for() -> None:
    """open() says backpressure, not a crash; health says not ready."""
    store = TimescaleStore("postgresql://canh@127.0.0.1:9/canh?connect_timeout=1")
    with pytest.raises(BackpressureError):
        await store.open()
    await store.close()


async def test_lost_connections_are_replaced(database_store: TimescaleStore, dsn: str) -> None:
    """After the server cut all connections the same commit goes through, with backpressure in between at most."""
    await database_store.commit(FULL)
    terminate_others(dsn)
    async with asyncio.timeout(60):
        while True:
            try:
                done = await database_store.commit(FULL)
                break
            except BackpressureError:
                await asyncio.sleep(0.05)
    assert (done.inserted, done.feed_ids) == (0, (1,))


async def test_readers_of_the_feed_survive_a_cut(database_store: TimescaleStore, dsn: str) -> None:
    """A listener whose connection was cut connects again and tells what it missed."""
    async with asyncio.timeout(60), aclosing(database_store.feed_changes()) as heads:  # type: ignore[type-var]
        assert await anext(heads) == 0
        waiting = asyncio.ensure_future(anext(heads))
        await asyncio.sleep(0.1)
        terminate_others(dsn)
        store = TimescaleStore(dsn, application_name="other")
        await store.open()
        await store.commit(Commit(incidents=[opened()]))
        assert await waiting == 1
        await store.close()


async def test_a_turn_ends_with_its_connection(database_store: TimescaleStore, dsn: str) -> None:
    """Who lost the connection can forget nothing any more, and another relay goes on."""
    other = TimescaleStore(dsn, application_name="other")
    async with asyncio.timeout(60):
        async with database_store.outbox_turn() as turn:
            terminate_others(dsn)
            async with other.outbox_turn() as mine:
                assert await mine.waiting(1) == []
                with pytest.raises(BackpressureError):
                    await turn.done([1])
        await other.close()


async def test_a_lost_notification_costs_a_second(database_store: TimescaleStore, dsn: str) -> None:
    """A head that moved without a word is found by the look each second."""
    async with asyncio.timeout(60), aclosing(database_store.feed_changes()) as heads:  # type: ignore[type-var]
        assert await anext(heads) == 0
        with psycopg.connect(dsn) as connection:
            connection.execute("UPDATE feed_head SET last_id = 5")
        assert await anext(heads) == 5


async def test_a_broken_schema_is_loud(database_store: TimescaleStore, dsn: str) -> None:
    """A missing table is neither waited for nor blamed on the data: the worker must stop."""
    with psycopg.connect(dsn) as connection:
        connection.execute("DROP TABLE rule_state")
    with pytest.raises(psycopg.errors.UndefinedTable):
        await database_store.commit(FULL)


@pytest.mark.parametrize(
    ("deed", "line"),
    [
        ("UPDATE audit SET actor = 'other' WHERE seq = 2", 2),
        ("UPDATE audit SET hash = '\\x00' WHERE seq = 3", 3),
        ("DELETE FROM audit WHERE seq = 2", 2),
        ("DELETE FROM audit WHERE seq = 5", 5),
        ("UPDATE audit SET seq = seq + 10 WHERE seq >= 4", 4),
        ("DELETE FROM audit", 1),
    ],
)
async def test_a_tampered_audit_log_is_found(database_store: TimescaleStore, dsn: str, deed: str, line: int) -> None:
    """Changing, deleting, moving or cutting off lines names the first line that does not fit."""
    await database_store.commit(Commit(audit=[AuditEntry(at(i), "an", "ack", f"incident-{i}", "ok") for i in range(5)]))
    assert await database_store.audit_broken_at() is None
    with psycopg.connect(dsn) as connection:
        connection.execute(deed)
    assert await database_store.audit_broken_at() == line


async def test_roles_have_what_they_need_and_no_more(database_store: TimescaleStore, dsn: str) -> None:
    """The worker commits, the API acts and reads, the reader reads; nobody rewrites the audit log."""
    with psycopg.connect(dsn) as connection:
        connection.execute(read("roles.sql"))
        connection.execute(read("roles.sql"))  # may be run again
    worker, api, reader = [as_role(dsn, role) for role in ("canh_worker", "canh_api", "canh_read")]
    for store in (worker, api, reader):
        await store.open()
    await worker.commit(FULL)
    async with worker.outbox_turn() as turn:
        await turn.done([item.id for item in await turn.waiting(9)])
    await worker.standing([Reach("s", "e", "fire", T0, T0)])
    await api.commit(Commit(incidents=[changed(2)], audit=[AuditEntry(at(1), "an", "ack", "incident-1", "ok")]))
    await api.put_account(Account("an", "operator", "hash"))
    await api.resolve_dead_letters([dead_letter().id], at(1))
    assert len((await reader.incidents(IncidentQuery(), 9)).items) == 1
    denied = psycopg.errors.InsufficientPrivilege
    for store in (worker, reader):
        with pytest.raises(denied):
            await store.accounts()
    with pytest.raises(denied):
        await reader.commit(Commit(audit=[AuditEntry(at(2), "x", "y", "z", "ok")]))
    with pytest.raises(denied):
        await api.commit(Commit(observations=batch(observation(observed_at=at(9)))))
    for store in (worker, api, reader):
        for deed in ("UPDATE audit SET actor = 'x'", "DELETE FROM audit", "TRUNCATE audit"):
            with pytest.raises(denied):
                async with store.transaction() as connection:
                    await connection.execute(deed)
        await store.close()


def as_role(dsn: str, role: str) -> TimescaleStore:
    return TimescaleStore(make_conninfo(dsn, options=f"-c role={role}"))


@pytest.mark.parametrize("step_s", sorted(ROLLUPS))
async def test_rollups_tell_what_the_observations_tell(database_store: TimescaleStore, dsn: str, step_s: int) -> None:
    """The rollup tables have the points that a roll-up on the spot has, on every edition."""
    rows = [observation(observed_at=at(i * 1800), value=float(i)) for i in range(100)]
    await database_store.commit(Commit(observations=batch(*rows)))
    start, end = at(0).replace(hour=17), at(86_400).replace(hour=17)
    assert rollup_serves(start, end, step_s)
    points = await database_store.series("gauge-1", "water_level", start, end, step_s)
    assert points
    with psycopg.connect(dsn) as connection:
        rolled = connection.execute(
            f"SELECT at, mean, minimum, maximum, samples FROM {ROLLUPS[step_s]} WHERE at >= %s AND at < %s ORDER BY at",
            [start, end],
        ).fetchall()
    assert [(p.at, p.mean, p.minimum, p.maximum, p.count) for p in points] == rolled


def test_a_rollup_serves_whole_steps_of_long_spans() -> None:
    """Odd steps, odd ends and short spans are computed from the observations."""
    start, end = at(0), at(3 * 86_400)
    assert rollup_serves(start, end, 3600)
    assert not rollup_serves(start, end, 900)
    assert not rollup_serves(at(1), end, 3600)
    assert not rollup_serves(start, end, 86_400)
    assert not rollup_serves(start, at(3600), 60)
