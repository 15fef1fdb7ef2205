from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from schemas.codec import received_again
from schemas.errors import PoisonMessageError
from schemas.events import ObservationBatch
from schemas.events.dead_letter import Reason
from schemas.store.memory import MemoryStore
from schemas.topics import OBSERVATIONS, SOURCE_HEADER
from streams import poison
from streams.hop import Carrier
from streams.poison import PoisonGauge, TooMuchPoisonError
from streams.store import StoreHop, gather
from streams.transport import Run
from streams.watermark import Place, Watermark
from tests.unit.streams.hands import NOW, canonical

PLACE = Place(OBSERVATIONS.name, 0)


def batch(*devices: str) -> ObservationBatch:
    n = len(devices)
    return ObservationBatch.of_columns(
        source=["s"] * n, device=list(devices), metric=["rain"] * n,
        observed_at=[NOW + timedelta(seconds=i) for i in range(n)], received_at=[NOW] * n, value=[1.0] * n,
        source_value=[None] * n, source_unit=[None] * n, lon=[None] * n, lat=[None] * n, commune=[None] * n,
        zone_ids=[[] for _ in devices], marks=[[] for _ in devices],
    )  # fmt: skip


def test_a_run_becomes_one_write_in_its_order() -> None:
    """Batches are put one after the other."""
    commit = gather([canonical(0, batch("a", "b").to_bytes()), canonical(1, batch("c").to_bytes())])
    assert commit.observations is not None
    assert commit.observations.device == ["a", "b", "c"]
    assert gather([]).observations is None


@pytest.mark.parametrize("raw", [b"", b"\xff", b"{}", b'{"type":"detection.v1"}', batch("a").to_bytes()[:-40]])
def test_what_normalize_never_wrote_is_refused(raw: bytes) -> None:
    """Anybody can write to a topic."""
    with pytest.raises(PoisonMessageError):
        gather([canonical(0, raw)])


async def test_of_a_batch_only_the_bad_rows_are_refused() -> None:
    """Wherever they stand: all others are written, and each bad one is a dead letter of its own."""
    store = MemoryStore()
    hop = StoreHop(OBSERVATIONS, store)
    bad = canonical(5, batch("a", "nul\x00", "c", "d", "nul\x00too").to_bytes())
    error = PoisonMessageError(Reason.REFUSED_BY_STORE, "no")
    commit = await hop.salvage(PLACE, bad, error)
    await store.commit(commit)
    written = sorted(key[0] for key in store.tables.observation)
    assert written == ["a", "c", "d"]
    rows = [msgspec.json.decode(letter.raw)["device"] for letter in commit.dead_letters]
    assert rows == ["nul\x00", "nul\x00too"]
    assert {letter.offset for letter in commit.dead_letters} == {5}


async def test_a_refused_row_can_go_back() -> None:
    """A row that the store found bad is read again as a batch of one, names its source, and is known again."""
    store = MemoryStore()
    hop = StoreHop(OBSERVATIONS, store)
    error = PoisonMessageError(Reason.REFUSED_BY_STORE, "no")
    bad = canonical(5, batch("nul\x00", "c").to_bytes())
    (letter,) = (await hop.salvage(PLACE, bad, error)).dead_letters
    assert letter.headers == {SOURCE_HEADER: "s"}
    back = canonical(6, received_again(letter.raw, NOW + timedelta(hours=1)))
    read = gather([back]).observations
    assert read is not None
    assert (read.device, read.received_at) == (["nul\x00"], [NOW + timedelta(hours=1)])
    (again,) = (await hop.salvage(PLACE, back, error)).dead_letters
    assert (again.id, again.source) == (letter.id, "s")


async def test_a_store_that_refuses_what_comes_stops_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bad deploy must not drain the topic into the dead letters: what was isolated is counted, by rows."""
    monkeypatch.setattr(poison, "WINDOW", 20)
    with pytest.raises(TooMuchPoisonError):
        await carried([batch("nul\x00", "nul\x00too").to_bytes()] * 20)
    await carried([batch("nul\x00", "a", "b").to_bytes()] * 20)


async def carried(values: list[bytes]) -> None:
    """Carry records of a partition through a store hop that stops when more than a half is refused."""
    store, watermark = MemoryStore(), Watermark()
    carrier = Carrier(StoreHop(OBSERVATIONS, store), store, watermark, gauge=PoisonGauge(0.5))
    watermark.assign(PLACE, 0)
    await carrier.resume(PLACE, 0)
    ticket = watermark.read(PLACE, 0, len(values) - 1, frozenset({"store"}))
    assert ticket is not None
    await carrier.carry(Run(ticket, [canonical(offset, value) for offset, value in enumerate(values)]))


async def test_a_record_that_nobody_can_read_is_refused_as_a_whole() -> None:
    """Its raw bytes are kept."""
    hop = StoreHop(OBSERVATIONS, MemoryStore())
    (letter,) = (await hop.salvage(PLACE, canonical(5, b"?"), PoisonMessageError(Reason.BAD_JSON, "no"))).dead_letters
    assert letter.raw == b"?"
