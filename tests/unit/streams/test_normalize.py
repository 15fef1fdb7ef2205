from __future__ import annotations

import pytest

from schemas.bus.memory import MemoryPublisher
from schemas.codec import decode_canonical
from schemas.errors import BackpressureError
from schemas.events import ObservationBatch, Source
from schemas.events.dead_letter import Reason
from schemas.store.memory import MemoryStore
from schemas.topics import DEAD_LETTERS, OBSERVATIONS, RAW_BULK, SOURCE_HEADER
from streams.metrics import BAD_SOURCES
from streams.normalize import NormalizeHop
from streams.poison import PoisonGauge, TooMuchPoisonError
from streams.watermark import Place
from tests.unit.streams.hands import NAMED, reading, record, world

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
