"""What only a real server can show: outages, tampering."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace

import psycopg
import pytest

from schemas.errors import BackpressureError
from schemas.store.abstract import Commit, Offset, RuleState
from schemas.store.security import AuditEntry
from schemas.store.timescale import TimescaleStore
from schemas.store.timescale.read import ROLLUPS, rollup_serves
from tests.contract.store.samples import T0, at, batch, dead_letter, detection, observation, opened, signal

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
    """Changing, deleting, moving or cutting off lines names the first line that does not fit, also for the owner."""
    await database_store.commit(Commit(audit=[AuditEntry(at(i), "an", "ack", f"incident-{i}", "ok") for i in range(5)]))
    assert await database_store.audit_broken_at() is None
    with psycopg.connect(dsn) as connection:
        connection.execute("ALTER TABLE audit DISABLE TRIGGER audit_append_only")
        connection.execute(deed)
    assert await database_store.audit_broken_at() == line


@pytest.mark.parametrize(
    "deed",
    ["UPDATE audit SET actor = 'other'", "DELETE FROM audit WHERE seq = 1", "DELETE FROM audit", "TRUNCATE audit"],
)
async def test_the_audit_log_is_append_only_for_its_owner_too(
    database_store: TimescaleStore, dsn: str, deed: str
) -> None:
    """Without roles, as in the embedded default, a line is neither changed nor taken out; the next one is appended."""
    await database_store.audit(AuditEntry(at(0), "an", "ack", "incident-1", "done"))
    with psycopg.connect(dsn) as owner, pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
        owner.execute(deed)
    await database_store.audit(AuditEntry(at(1), "an", "ack", "incident-2", "done"))
    assert [seq for seq, _ in await database_store.audit_log()] == [2, 1]
    assert await database_store.audit_broken_at() is None


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


async def test_a_chart_has_what_either_observations_or_rollups_have(database_store: TimescaleStore, dsn: str) -> None:
    """History that a rollup has never seen is in the chart, and so is what retention took from the observations."""
    hours = [observation(observed_at=at(i * 3600), value=float(i)) for i in range(48)]
    await database_store.commit(Commit(observations=batch(*hours)))
    database_store.edition = replace(database_store.edition, name="timescale")
    with psycopg.connect(dsn) as connection:  # stands for a continuous aggregate that was refreshed in between
        connection.execute("CREATE TABLE rolled AS SELECT * FROM observation_1h WHERE at < %s", [at(24 * 3600)])
        connection.execute("DROP VIEW observation_1h")
        connection.execute("ALTER TABLE rolled RENAME TO observation_1h")
        connection.execute("DELETE FROM observation WHERE observed_at < %s", [at(12 * 3600)])
    points = await database_store.series("gauge-1", "water_level", at(0), at(48 * 3600), 3600)
    assert [(point.at, point.mean) for point in points] == [(at(i * 3600), float(i)) for i in range(48)]


def test_a_rollup_serves_whole_steps_of_long_spans() -> None:
    """Odd steps, odd ends and short spans are computed from the observations."""
    start, end = at(0), at(3 * 86_400)
    assert rollup_serves(start, end, 3600)
    assert not rollup_serves(start, end, 900)
    assert not rollup_serves(at(1), end, 3600)
    assert not rollup_serves(start, end, 86_400)
    assert not rollup_serves(start, at(3600), 60)
