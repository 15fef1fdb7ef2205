from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from schemas.errors import BackpressureError
from schemas.store.abstract import Commit, Committed, Offset
from schemas.store.memory import MemoryStore
from schemas.topics import RAW_BULK
from streams import hop as hop_module
from streams.headway import Lag
from streams.hop import Carrier, Hop, Records
from streams.transport import Run
from streams.watermark import Place, Watermark
from tests.unit.streams.hands import record

PLACE = Place(RAW_BULK.name, 0)


class Slow(MemoryStore):
    """A store whose commits can be held up."""

    def __init__(self) -> None:
        super().__init__()
        self.open_gate = asyncio.Event()
        self.open_gate.set()
        self.asked: list[str] = []

    async def commit(self, commit: Commit) -> Committed:
        await self.open_gate.wait()
        return await super().commit(commit)

    async def offsets(self, hop: str, topic: str) -> list[Offset]:
        self.asked.append("offsets")
        return await super().offsets(hop, topic)


class Ticking(Hop):
    """A hop that remembers, writes on each tick, and notes when it is loaded."""

    name = "ticking"
    topic = RAW_BULK

    def __init__(self, store: Slow) -> None:
        self.store = store

    async def load(self, place: Place) -> None:
        self.store.asked.append("load")

    async def work(self, place: Place, records: Records) -> Commit:
        return Commit()

    async def tick(self, place: Place, lag: Lag) -> Commit | None:
        return Commit()


def carrier(store: Slow, problems: list[str]) -> tuple[Carrier, Watermark]:
    watermark = Watermark()
    watermark.assign(PLACE, 0)
    return Carrier(Ticking(store), store, watermark, on_ready=lambda _hop, problem: problems.append(problem)), watermark


async def test_a_partition_is_not_taken_over_while_a_tick_is_being_written() -> None:
    """Else states would be read from before the tick, and its work be forgotten."""
    store = Slow()
    mine, _ = carrier(store, [])
    await mine.resume(PLACE, 0)
    store.open_gate.clear()
    ticking = asyncio.create_task(mine.tick())
    await asyncio.sleep(0)
    assert mine.working
    store.open_gate.set()
    await ticking
    assert not mine.working


async def test_a_run_under_way_is_seen_until_it_is_durable() -> None:
    """A rebalance waits for just this."""
    store = Slow()
    mine, watermark = carrier(store, [])
    await mine.resume(PLACE, 0)
    ticket = watermark.read(PLACE, 0, 0, frozenset({"ticking"}))
    assert ticket is not None
    store.open_gate.clear()
    carrying = asyncio.create_task(mine.carry(Run(ticket, [record(0, b"")])))
    await asyncio.sleep(0)
    before = mine.carrying
    assert before
    store.open_gate.set()
    await carrying
    after = mine.carrying
    assert not after
    assert watermark.committable(PLACE) == 1


class Buggy(Ticking):
    """A hop that breaks on the record at offset 0, once."""

    at_once = 2

    def __init__(self, store: Slow) -> None:
        super().__init__(store)
        self.worked: list[tuple[int, int]] = []

    async def work(self, place: Place, records: Records) -> Commit:
        self.worked.append((place.partition, records[0].offset))
        if self.worked == [(0, 0)]:
            raise RuntimeError("a bug")
        return Commit()


async def test_a_run_behind_one_that_broke_is_left_and_other_partitions_go_on() -> None:
    """Its offset would lie beyond records that nobody has worked: those would be lost."""
    store, watermark, other = Slow(), Watermark(), Place(RAW_BULK.name, 1)
    hop = Buggy(store)
    mine = Carrier(hop, store, watermark)
    for place in (PLACE, other):
        watermark.assign(place, 0)
        await mine.resume(place, 0)
    runs = [(PLACE, 0), (PLACE, 1), (other, 0)]
    tickets = [watermark.read(place, offset, offset, frozenset({hop.name})) for place, offset in runs]
    with pytest.raises(RuntimeError):
        await mine.carry(Run(tickets[0], [record(0, b"")]))  # type: ignore[arg-type]
    for (_, offset), ticket in zip(runs[1:], tickets[1:], strict=True):
        await mine.carry(Run(ticket, [record(offset, b"")]))  # type: ignore[arg-type]
    assert hop.worked == [(0, 0), (1, 0)]
    assert (watermark.committable(PLACE), watermark.committable(other)) == (0, 1)


async def test_after_a_conflict_the_offset_is_read_before_the_states(monkeypatch: pytest.MonkeyPatch) -> None:
    """States newer than the offset clash again; states older than it would be written over newer ones."""
    monkeypatch.setattr(hop_module, "BACKOFF_S", (0.0,))
    store = Slow()
    mine, watermark = carrier(store, [])
    await mine.resume(PLACE, 0)
    await store.reset_offset(Offset("ticking", PLACE.topic, PLACE.partition, 5))
    ticket = watermark.read(PLACE, 0, 6, frozenset({"ticking"}))
    assert ticket is not None
    store.asked.clear()
    await mine.carry(Run(ticket, [record(offset, b"") for offset in range(7)]))
    assert store.asked == ["offsets", "load"]
    assert (await store.offsets("ticking", PLACE.topic))[0].next_offset == 7


async def test_readiness_comes_back_after_a_tick_that_had_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """A silent partition has no run that would say that the store answers again."""
    monkeypatch.setattr(hop_module, "BACKOFF_S", (0.0,))
    store = Slow()
    problems: list[str] = []
    mine, _ = carrier(store, problems)
    await mine.resume(PLACE, 0)

    async def away(_commit: Commit) -> Committed:
        raise BackpressureError("away")

    monkeypatch.setattr(store, "commit", away)
    await mine.tick()
    assert problems == ["away", ""]


async def test_a_commit_of_unknown_outcome_is_written_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """COMMIT went through, its answer did not: the repeat is refused, and the run counts as done."""
    monkeypatch.setattr(hop_module, "BACKOFF_S", (0.0,))
    store, written = Slow(), []
    mine, watermark = carrier(store, [])
    await mine.resume(PLACE, 0)
    commit = MemoryStore.commit

    async def lied(commit_: Commit) -> Committed:
        done = await commit(store, commit_)
        written.append(replace(commit_))
        if len(written) == 1:
            raise BackpressureError("no answer")
        return done

    monkeypatch.setattr(store, "commit", lied)
    ticket = watermark.read(PLACE, 0, 1, frozenset({"ticking"}))
    assert ticket is not None
    await mine.carry(Run(ticket, [record(0, b""), record(1, b"")]))
    assert len(written) == 1
    assert watermark.committable(PLACE) == 2
