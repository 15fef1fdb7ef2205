from __future__ import annotations

import dataclasses
import gzip

import pytest

from schemas.bus.memory import MemoryPublisher
from schemas.codec import decode_canonical
from schemas.errors import BackpressureError
from schemas.events import ObservationBatch, Source
from schemas.events.dead_letter import Reason
from schemas.limits import MAX_MESSAGE_BYTES
from schemas.store.memory import MemoryStore
from schemas.topics import DEAD_LETTERS, OBSERVATIONS, RAW_BULK, SOURCE_HEADER
from streams import normalize
from streams.metrics import BAD_SOURCES
from streams.normalize import NormalizeHop, sort_out
from streams.poison import PoisonGauge, TooMuchPoisonError
from streams.watermark import Place
from tests.unit.streams.hands import NAMED, NOW, reading, record, world

NOW_MS = int(NOW.timestamp() * 1000)
PLACE = Place(RAW_BULK.name, 3)
NOBODY = ((SOURCE_HEADER, b"nobody"),)


async def made(ratio: float = 1.0) -> tuple[NormalizeHop, MemoryPublisher, MemoryStore]:
    store, atlas = await world()
    publisher = MemoryPublisher()
    await publisher.start()
    return NormalizeHop(RAW_BULK, OBSERVATIONS, atlas, publisher, PoisonGauge(ratio)), publisher, store


async def test_good_records_reach_the_canonical_partition_of_their_raw_one() -> None:
    """Two records become one batch in the same partition, so the order of a device stays."""
    hop, publisher, _ = await made()
    commit = await hop.work(PLACE, [record(0, reading(2)), record(1, reading(1))])
    (message,) = publisher.records[OBSERVATIONS.name, 3]
    batch = decode_canonical(message.value)
    assert isinstance(batch, ObservationBatch)
    assert len(batch) == 2
    assert commit.dead_letters == []


async def test_batches_have_ids_of_their_own_that_a_repetition_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    """A consumer that drops what has an equal (source, id) drops what came twice, and nothing else."""
    monkeypatch.setattr(normalize, "BATCH_ROWS", 2)
    hop, publisher, _ = await made()
    for offsets in (range(3), range(3), range(3, 8)):
        await hop.work(PLACE, [record(n, reading(n)) for n in offsets])
    headers = [dict(message.headers) for message in publisher.records[OBSERVATIONS.name, 3]]
    ids = [(each["ce_source"], each["ce_id"].decode()) for each in headers]
    first = [(b"canh/normalize", f"canh.raw.bulk/0/0-2/{part}") for part in range(2)]
    assert ids == [*first, *first, *((b"canh/normalize", f"canh.raw.bulk/0/3-7/{part}") for part in range(3))]


@pytest.mark.parametrize(
    ("headers", "value", "reason"),
    [
        (((SOURCE_HEADER, b"s"),), b"\xff", None),
        (((SOURCE_HEADER, b"nobody"),), b"{}", Reason.UNKNOWN_SOURCE),
        (((SOURCE_HEADER, None),), b"{}", Reason.UNKNOWN_SOURCE),
        (((SOURCE_HEADER, b"s"), ("traceparent", None)), b"{", None),
        ((), b"{}", Reason.UNKNOWN_SOURCE),
        (((SOURCE_HEADER, b"s"),), None, None),
    ],
)
async def test_whatever_a_producer_writes_becomes_one_dead_letter_with_its_place(
    headers: tuple[tuple[str, bytes | None], ...], value: bytes | None, reason: Reason | None
) -> None:
    """Headers without a value and records without one are legal in Kafka; they never end the worker."""
    hop, publisher, _ = await made()
    commit = await hop.work(PLACE, [record(7, value, headers=headers)])
    (letter,) = commit.dead_letters
    assert (letter.topic, letter.offset, letter.raw) == (RAW_BULK.name, 7, value or b"")
    assert reason is None or letter.reason == reason
    assert len(publisher.of_topic(DEAD_LETTERS.name)) == 1


@pytest.mark.parametrize("stamp", [-1, NOW_MS * 1000, 10**17, -(10**17)])
async def test_a_timestamp_that_is_no_time_refuses_its_record_alone(stamp: int) -> None:
    """On a topic that takes the producer's word it may be anything; the letter can be sent again and resolved."""
    hop, _, store = await made()
    bad = dataclasses.replace(record(1, reading(1)), timestamp=stamp)
    commit = await hop.work(PLACE, [record(0, reading(2)), bad, record(2, reading(0))])
    (letter,) = commit.dead_letters
    assert (letter.offset, letter.reason, letter.field) == (1, Reason.BAD_TIME, "timestamp")
    assert "LogAppendTime" in letter.message
    await store.commit(commit)
    assert await store.resolve_dead_letters([letter.id], NOW) == 1


STRUCTURED = (("content-type", b"application/cloudevents+json; charset=utf-8"),)
EVENT = (
    b'{"specversion":"1.0","id":"1","source":"clouds","type":"t","time":"2026-03-01T08:00:00Z",'
    b'"data":{"device":"d","metric":"rain","value":1}}'
)


async def clouds() -> NormalizeHop:
    """Give a hop that knows a source of CloudEvents."""
    hop, _, store = await made()
    await store.put_sources([Source(id="clouds", kind="sensor", format="cloudevents")])
    await hop._atlas.load()
    return hop


@pytest.mark.parametrize(
    ("value", "headers"),
    [(EVENT, STRUCTURED), (gzip.compress(EVENT), (*STRUCTURED, ("content-encoding", b"gzip")))],
    ids=["plain", "gzip"],  # gzip's header holds the second it was made: no name for a test
)
async def test_a_cloud_event_in_structured_mode_names_its_source_itself(
    value: bytes, headers: tuple[tuple[str, bytes], ...]
) -> None:
    """A foreign producer sends the whole event as the value and no header of ours (Kafka binding 3.3)."""
    hop = await clouds()
    raws, letters = sort_out([record(0, value, headers=headers)], hop._atlas.world)
    assert ([raw.source.id for raw in raws], letters) == (["clouds"], [])
    assert (await hop.work(PLACE, [record(0, value, headers=headers)])).dead_letters == []


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (EVENT.replace(b'"clouds"', b'"nobody"'), "nobody"),
        (EVENT.replace(b'"clouds"', b"5"), ""),
        (EVENT.replace(b'"source"', b'"origin"'), ""),
        (EVENT[:-1], ""),
        (b"[" * 100_000, ""),
        (b'{"a":' * 100_000, ""),
        (b'{"a":"%b","source":"clouds"}' % (b"x" * MAX_MESSAGE_BYTES), ""),
        (b"\xff", ""),
        (None, ""),
    ],
)
async def test_a_structured_cloud_event_without_a_known_source_is_refused(value: bytes | None, named: str) -> None:
    """Whatever stands in the body, deep, torn or huge, is one refusal that names the source where there is one."""
    (letter,) = sort_out([record(0, value, headers=STRUCTURED)], (await clouds())._atlas.world)[1]
    assert (letter.reason, letter.source) == (Reason.UNKNOWN_SOURCE, named)


async def test_the_body_is_asked_for_the_source_only_where_no_header_says_it() -> None:
    """Our header and ce_source come first; in other content types the body is data."""
    world_ = (await clouds())._atlas.world
    headers: tuple[tuple[tuple[str, bytes], ...], ...] = (
        (*STRUCTURED, (SOURCE_HEADER, b"nobody")),
        (*STRUCTURED, ("ce_source", b"nobody")),
        (("content-type", b"application/json"),),
        (),
    )
    _, letters = sort_out([record(n, EVENT, headers=each) for n, each in enumerate(headers)], world_)
    assert [letter.source for letter in letters] == ["nobody", "nobody", "", ""]


async def test_a_disabled_source_is_refused() -> None:
    """The refusal names the source, so that it can be enabled and the record replayed."""
    hop, _, store = await made()
    await store.put_sources([Source(id="s", kind="sensor", format="native", enabled=False)])
    await hop._atlas.load()
    (letter,) = (await hop.work(PLACE, [record(0, reading(1))])).dead_letters
    assert (letter.source, letter.reason) == ("s", Reason.UNKNOWN_SOURCE)


async def test_an_outage_does_not_look_like_a_flood_of_refusals() -> None:
    """One bad record, tried two thousand times while the broker is away, is counted once."""
    hop, publisher, _ = await made(ratio=0.5)
    publisher.away = True
    for _ in range(2000):
        with pytest.raises(BackpressureError):
            await hop.work(PLACE, [record(0, b"bad")])
    publisher.away = False
    for offset in range(1, 999):
        await hop.work(PLACE, [record(offset, b"bad", headers=[NAMED, NOBODY][offset % 2])])
    with pytest.raises(TooMuchPoisonError):
        await hop.work(PLACE, [record(999, b"bad")])


async def test_one_source_that_sends_rubbish_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """It is named in the log and counted in the metric, until it is well again."""
    hop, _, _ = await made(ratio=0.5)
    await hop.work(PLACE, [record(offset, b"bad") for offset in range(1000)])
    assert "'s'" in caplog.text
    assert bad_sources() == 1
    await hop.work(PLACE, [record(1000 + offset, reading(offset)) for offset in range(1000)])
    assert bad_sources() == 0


def bad_sources() -> float:
    return float(BAD_SOURCES.labels(RAW_BULK.name)._value.get())
