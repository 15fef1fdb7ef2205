from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg

from schemas.events import DeadLetter
from schemas.store.abstract import Commit, Store
from schemas.store.keep import Keep
from schemas.store.timescale import TimescaleStore
from tests.contract.store.samples import batch, dead_letter, detection, observation

NOW = datetime.now(UTC)
#: Before all that is kept for 30 days; long ago, but received today; and lately.
OLD, PLAYED, NEW = NOW - timedelta(days=40), NOW - timedelta(days=400), NOW - timedelta(days=2)


async def test_old_telemetry_can_be_dropped(store: Store) -> None:
    """Retention takes what came long ago and leaves the rest, history that came lately too; events only if named."""
    rows = batch(
        observation(observed_at=OLD, received_at=OLD),
        observation(observed_at=PLAYED, received_at=NOW),
        observation(observed_at=NEW, received_at=NEW),
    )
    await store.commit(Commit(observations=rows, events=[detection(observed_at=OLD, received_at=OLD)]))
    assert await store.retain(Keep(observations=30)) == 1
    points = await store.series("gauge-1", "water_level", PLAYED - timedelta(days=1), NOW, 0)
    assert [point.at for point in points] == [PLAYED, NEW]
    assert await store.event("detection-1") is not None
    assert await store.retain(Keep(observations=30, events=30)) == 1
    assert await store.event("detection-1") is None


async def test_the_id_of_a_forgotten_event_is_forgotten_too(store: Store) -> None:
    """No table grows for ever: an id that was forgotten with its event may come again, others stay taken."""
    old = detection(observed_at=OLD, received_at=OLD)
    new = detection(id="new", observed_at=NEW, received_at=NEW)
    await store.commit(Commit(events=[old, new]))
    await store.retain(Keep(events=30))
    done = await store.commit(Commit(events=[old, new]))
    assert (done.inserted, done.duplicates) == (1, 1)


async def test_refusals_are_forgotten_once_mended_or_when_nobody_ever_mends_them(store: Store) -> None:
    """Those sent again count from then, open ones from when they came last; without a number all stay."""

    def letter(name: str, came: datetime) -> DeadLetter:
        return dead_letter(raw=name.encode(), message=name, received_at=came)

    sent = [letter("sent lately", OLD), letter("sent long ago", PLAYED)]
    waiting = [letter("open", OLD), letter("given up", PLAYED)]
    again = [letter("came again", PLAYED), letter("came again", NEW)]
    await store.commit(Commit(dead_letters=[*sent, *waiting, *again]))
    await store.resolve_dead_letters([sent[0].id], NEW)
    await store.resolve_dead_letters([sent[1].id], OLD)
    assert await store.retain(Keep()) == 0
    assert await store.retain(Keep(resolved_letters=30, open_letters=365)) == 2
    left = {kept.message: kept.raw for kept in await store.dead_letters(unresolved=False)}
    assert left == {name: name.encode() for name in ("sent lately", "open", "came again")}


async def test_bytes_go_with_the_last_refusal_that_has_them(database_store: TimescaleStore, dsn: str) -> None:
    """What another refusal of the same bytes still needs stays."""
    shared = [dead_letter(reason=reason, received_at=OLD) for reason in ("bad_json", "bad_time")]
    await database_store.commit(Commit(dead_letters=[*shared, dead_letter(raw=b"alone", received_at=OLD)]))
    await database_store.resolve_dead_letters([shared[0].id, dead_letter(raw=b"alone").id], OLD)
    assert await database_store.retain(Keep(resolved_letters=30)) == 2
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT raw FROM dead_letter_raw").fetchall() == [(shared[0].raw,)]


async def test_sources_that_nobody_registered_leave_no_counters(store: Store) -> None:
    """Anybody may send any name, however long: its refusals are kept, but no row is made for each name."""
    before = await store.checksum()
    await store.commit(Commit(dead_letters=[dead_letter(source=f"{i}" * 6000, raw=bytes([i])) for i in range(9)]))
    after = await store.checksum()
    assert after["source_count"] == before["source_count"]
    assert len(await store.dead_letters()) == 9
