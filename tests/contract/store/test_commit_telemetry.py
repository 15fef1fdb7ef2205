from __future__ import annotations

import asyncio
import random

import psycopg
import pytest

from schemas.codec import encode
from schemas.errors import PoisonMessageError
from schemas.events import Observation, ObservationBatch, Reason, Source, Unit
from schemas.store.abstract import Commit, Offset, Store
from schemas.store.security import AuditEntry
from schemas.store.timescale import TimescaleStore
from tests.contract.store.samples import T0, at, batch, dead_letter, detection, observation, position

BATCH = batch(
    observation(),
    observation(observed_at=at(10), value=3.6),
    observation(device="gauge-2", metric="rain", value=1.0, source="rain", marks=("late",)),
)


async def test_what_is_committed_can_be_read(store: Store) -> None:
    """Observations come back as points, events as they were sent."""
    done = await store.commit(Commit(observations=BATCH, events=[detection()]))
    assert (done.inserted, done.duplicates, done.conflicts, done.feed_ids) == (4, 0, 0, ())
    points = await store.series("gauge-1", "water_level", T0, at(60), 0)
    assert [(p.at, p.mean, p.minimum, p.maximum, p.count) for p in points] == [
        (T0, 3.5, 3.5, 3.5, 1),
        (at(10), 3.6, 3.6, 3.6, 1),
    ]
    assert await store.event("detection-1") == detection()
    assert await store.event("unknown") is None


async def test_the_same_commit_twice_changes_no_table(store: Store) -> None:
    """Every table is byte-equal after a repetition, and the repetition says so."""
    commit = Commit(
        offset=Offset("store", "canh.observations", 0, 3, stamp_ms=5),
        observations=BATCH,
        events=[detection(), position()],
        dead_letters=[dead_letter()],
    )
    await store.commit(commit)
    before = await store.checksum()
    done = await store.commit(commit)
    assert (done.inserted, done.duplicates, done.conflicts) == (0, 5, 0)
    assert await store.checksum() == before


async def test_a_batch_may_overlap_what_is_there(store: Store) -> None:
    """Only the new rows of a batch are written and counted."""
    await store.commit(Commit(observations=batch(observation())))
    done = await store.commit(Commit(observations=BATCH))
    assert (done.inserted, done.duplicates) == (2, 1)


async def test_twins_in_one_batch_are_one_row(store: Store) -> None:
    """An equal row twice in a batch is a duplicate, another value of the same identity a refusal."""
    rows = batch(observation(), observation(), observation(value=9.0))
    done = await store.commit(Commit(observations=rows))
    assert (done.inserted, done.duplicates, done.conflicts) == (1, 1, 1)
    (point,) = await store.series("gauge-1", "water_level", T0, at(1), 0)
    assert point.mean == 3.5


async def test_other_content_under_a_known_identity_is_refused(store: Store) -> None:
    """The first row stands, the second becomes a dead letter that holds it whole; repeating it adds nothing."""
    await store.commit(Commit(observations=batch(observation())))
    other = observation(value=4.0)
    commit = Commit(offset=Offset("store", "canh.observations", 2, 8), observations=batch(other, other, observation()))
    done = await store.commit(commit)
    assert (done.duplicates, done.conflicts) == (2, 1)
    (letter,) = await store.dead_letters()
    assert (letter.reason, letter.topic, letter.partition, letter.offset) == (
        Reason.ID_CONFLICT,
        "canh.observations",
        2,
        7,
    )
    assert letter.raw == encode(batch(other).row(0))
    before = await store.checksum()
    await store.commit(commit)
    assert await store.checksum() == before
    assert (await store.devices(["gauge-1"]))[0].last_values == {"water_level": 3.5}


async def test_what_we_added_ourselves_is_no_other_content(store: Store) -> None:
    """The same message read again after zones or devices changed is a duplicate, not a conflict."""
    await store.commit(Commit(observations=batch(observation()), events=[detection()]))
    again = observation(lon=None, lat=None, commune=None, zone_ids=(), marks=("no_place",), received_at=at(99))
    seen = detection(lon=None, lat=None, commune=None, marks=("late",), received_at=at(99))
    done = await store.commit(Commit(observations=batch(again), events=[seen]))
    assert (done.inserted, done.duplicates, done.conflicts) == (0, 2, 0)


async def test_an_event_id_with_other_content_is_refused(store: Store) -> None:
    """Another label or another time under a known id is a dead letter, in one batch and across batches."""
    await store.commit(Commit(events=[detection(), detection()]))
    done = await store.commit(Commit(events=[detection(label="fire"), detection(observed_at=at(5))]))
    assert (done.inserted, done.duplicates, done.conflicts) == (0, 0, 2)
    done = await store.commit(Commit(events=[detection(id="d2"), detection(id="d2", label="fire")]))
    assert (done.inserted, done.conflicts) == (1, 1)
    assert await store.event("detection-1") == detection()
    assert await store.refusals() == {Reason.ID_CONFLICT: 3}


async def test_an_event_id_is_one_row_whenever_it_happened(store: Store) -> None:
    """The same id days apart is an id conflict, and the first one stands."""
    await store.commit(Commit(events=[detection()]))
    for days in (2, 40, -3):
        done = await store.commit(Commit(events=[detection(observed_at=at(days * 86_400))]))
        assert (done.inserted, done.conflicts) == (0, 1)
    assert await store.event("detection-1") == detection()


async def test_writers_of_one_event_id_agree_on_one(store: Store) -> None:
    """Whoever comes first with an id has it, the others are refused, however closely they meet."""
    for race in range(10):
        writes = (Commit(events=[detection(id=f"race-{race}", observed_at=at(second))]) for second in range(4))
        async with asyncio.timeout(60):
            done = await asyncio.gather(*(store.commit(write) for write in writes))
        assert sorted((each.inserted, each.conflicts) for each in done) == [(0, 1), (0, 1), (0, 1), (1, 0)]


async def test_text_that_no_database_takes_is_poison(store: Store) -> None:
    """U+0000 is refused as data, and nothing of the commit is written (a lone surrogate never gets into a batch)."""
    before = await store.checksum()
    with pytest.raises(PoisonMessageError) as error:
        await store.commit(Commit(observations=batch(observation(), observation(device="a\x00b"))))
    assert error.value.reason == Reason.REFUSED_BY_STORE
    with pytest.raises(PoisonMessageError):
        await store.commit(Commit(events=[detection(label="a\x00b")], dead_letters=[dead_letter()]))
    assert await store.checksum() == before


ODD = [
    "NULL",
    "null",
    "",
    " a ",
    'q"uote',
    "back\\slash",
    "tab\tbed",
    "new\nline",
    "{a,b}",
    "a,b",
    "\\N",
    "\\.",
    "Đắk Lắk",
]


async def test_odd_words_and_numbers_are_stored_as_they_are(database_store: TimescaleStore, dsn: str) -> None:
    """By the fast way into an empty table and by the one that compares: a text is the same text in the database."""
    texts = [
        observation(device=word or "-", source_unit=word, commune=word, zone_ids=(word, "z"), marks=(word,))
        for word in ODD
    ]
    numbers = [
        observation(device=f"n{i}", value=value, source_value=-value, lon=None, lat=None, observed_at=at(1e-6))
        for i, value in enumerate((0.1 + 0.2, 1e-300, 1.7e308, -0.0, 123456789.123456789))
    ]
    await database_store.commit(Commit(observations=batch(*texts)))
    done = await database_store.commit(Commit(observations=batch(*texts, *numbers)))
    assert (done.inserted, done.duplicates, done.conflicts) == (len(numbers), len(texts), 0)
    names = list(ObservationBatch.SCHEMA)
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        rows = await (await connection.execute(f"SELECT {', '.join(names)} FROM observation")).fetchall()
    found = batch(*(Observation(id="", **dict(zip(names, row, strict=True))) for row in rows))
    wanted = batch(*texts, *numbers)
    assert found.frame.sort("device").equals(wanted.frame.sort("device"))


async def test_a_refusal_can_always_be_stored(store: Store) -> None:
    """Odd characters in a refusal's texts are shown as symbols: the dead letters are the last resort."""
    await store.commit(Commit(dead_letters=[dead_letter(source="a\x00b", message="\ud800", headers={"x\x00": "\x00"})]))
    (letter,) = await store.dead_letters()
    assert (letter.source, letter.message, letter.headers) == ("a\u2400b", "?", {"x\u2400": "\u2400"})
    assert letter.raw == b"{\x00\xff"


async def test_the_newest_value_wins_in_any_order(store: Store) -> None:
    """A late value never replaces a newer one, and a clock in the future never stays the newest."""
    await store.commit(Commit(observations=batch(observation(observed_at=at(100), value=5.0))))
    await store.commit(Commit(observations=batch(observation(observed_at=at(50), value=4.0))))
    await store.commit(Commit(observations=batch(observation(observed_at=at(1e6), value=9.0, marks=("future",)))))
    (device,) = await store.devices(["gauge-1"])
    assert (device.last_observed_at, device.last_values) == (at(100), {"water_level": 5.0})
    assert (device.source, device.lon, device.lat, device.commune) == ("river", 108.9, 13.1, "22240")
    assert device.metrics == ("water_level",)


async def test_a_device_gets_its_place_from_the_first_event_that_has_one(store: Store) -> None:
    """A place is learned once and not moved by later events; learning it raises the registry's version."""
    await store.commit(Commit(events=[detection(lon=None, lat=None, commune=None)]))
    before = await store.registry_version()
    await store.commit(Commit(events=[detection(id="d2", observed_at=at(1))]))
    assert await store.registry_version() > before
    learned = await store.registry_version()
    await store.commit(Commit(events=[detection(id="d3", observed_at=at(2), lon=1.0, lat=2.0)]))
    (camera,) = await store.devices(["camera-1"])
    assert (camera.lon, camera.lat, camera.last_observed_at, camera.metrics) == (108.05, 12.68, at(2), ())
    assert await store.registry_version() == learned


async def test_a_unit_is_where_it_was_last(store: Store) -> None:
    """The newest fix counts, whatever the order of arrival and of registration."""
    await store.commit(Commit(events=[position(id="b", observed_at=at(60), lon=109.0, lat=13.0)]))
    await store.commit(Commit(events=[position()]))
    await store.put_units([Unit(id="unit-1", name="Đội 1", kind="fire", agency="fire-dept", lon=108.0, lat=12.0)])
    (unit,) = await store.units()
    assert (unit.lon, unit.lat, unit.position_at) == (109.0, 13.0, at(60))


async def test_sources_are_counted_once(store: Store) -> None:
    """Accepted counts new rows, refused new refusals; a replay through another hop's offset adds nothing."""
    await store.put_sources([Source(id="river", kind="sensor", format="json")])
    first = Commit(offset=Offset("a", "t", 0, 1), observations=BATCH, dead_letters=[dead_letter()])
    await store.commit(first)
    await store.commit(Commit(offset=Offset("b", "t", 1, 1), observations=BATCH, dead_letters=[dead_letter()]))
    (health,) = await store.source_health()
    assert (health.accepted, health.refused) == (2, 1)
    assert (health.last_observed_at, health.last_received_at) == (at(10), at(2))


async def test_a_large_batch_is_written_whole(store: Store) -> None:
    """Thousands of rows in any order, with empty and full columns, arrive and are not written twice."""
    rows = batch(
        *(
            observation(
                device=f"gauge-{i % 7}",
                observed_at=at(2500 - i),
                source_value=None if i % 2 else i / 10,
                source_unit=None if i % 2 else "cm",
                zone_ids=("commune:1", 'odd "zone", \\ {}') if i % 3 else (),
            )
            for i in range(2500)
        )
    )
    assert (await store.commit(Commit(observations=rows))).inserted == 2500
    before = await store.checksum()
    assert (await store.commit(Commit(observations=rows))).duplicates == 2500
    assert await store.checksum() == before


async def test_overlapping_writers_end_with_each_row_once(store: Store) -> None:
    """Many writers of the same rows in different orders, with refusals and audit, never hold each other up for good."""
    await store.put_sources([Source(id="river", kind="sensor", format="json")])
    rows = [observation(device=f"gauge-{i % 5}", observed_at=at(i)) for i in range(200)]
    events = [detection(id=f"d{i}", device=f"camera-{i % 5}", observed_at=at(i)) for i in range(40)]
    commits = []
    for writer in range(8):
        order = random.Random(writer)
        commits.append(
            Commit(
                offset=Offset("store", "t", writer, 1),
                observations=batch(*order.sample(rows, len(rows))),
                events=order.sample(events, len(events)),
                dead_letters=order.sample([dead_letter(raw=bytes([i])) for i in range(9)], 9),
                audit=[AuditEntry(T0, f"worker-{writer}", "store", "t", "ok")],
            )
        )
    async with asyncio.timeout(60):
        done = await asyncio.gather(*(store.commit(commit) for commit in commits))
    assert sum(result.inserted for result in done) == 240
    assert sum(result.duplicates for result in done) == 7 * 240
    assert sum(result.conflicts for result in done) == 0
    (health,) = await store.source_health()
    assert (health.accepted, health.refused) == (200, 9)
    assert await store.audit_broken_at() is None
    assert [seq for seq, _ in await store.audit_log()] == list(range(8, 0, -1))
