from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from aiokafka.structs import ConsumerRecord

from schemas.errors import BackpressureError, PoisonMessageError
from schemas.store.abstract import Commit, Committed, Offset, RuleState
from schemas.store.memory import MemoryStore
from schemas.topics import OBSERVATIONS
from streams import hop as hop_module
from streams.headway import Lag
from streams.hop import Carrier, Hop, Records
from streams.transport import Run
from streams.watermark import Place, Watermark
from tests.unit.streams.hands import NOW, record

PLACE = Place(OBSERVATIONS.name, 0)


class Waiting(Hop):
    """A hop whose records each wait for two more (or for a tick); it writes those that have waited."""

    name = "waiting"
    topic = OBSERVATIONS

    def __init__(self, bad: int = -1) -> None:
        self.bad = bad
        self.left = 2
        self.held: list[int] = []
        self.worked: list[int] = []

    async def load(self, place: Place) -> None:
        self.held = []

    async def work(self, place: Place, records: Records) -> Commit:
        if self.bad in [record.offset for record in records]:
            raise PoisonMessageError("bad_json", "bad")
        self.held += [record.offset for record in records]
        self.worked += [record.offset for record in records]
        return self._written(self.left)

    async def tick(self, place: Place, lag: Lag) -> Commit | None:
        return self._written(0) if self.held else None

    def hurry(self, place: Place, *, on: bool) -> None:
        self.left = 0 if on else 2

    def keeps(self, place: Place) -> int | None:
        return self.held[0] if self.held else None

    def _written(self, left: int) -> Commit:
        done = self.held[: max(len(self.held) - left, 0)]
        self.held = self.held[len(done) :]
        return Commit(rule_states=[RuleState("r", str(offset), PLACE.topic, 0, b"x") for offset in done])


class Shaky(MemoryStore):
    """A store whose next commits fail, before or after they are written; counts those that it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.trouble: list[str] = []
        self.asked = 0
        self.hates = -1

    async def commit(self, commit: Commit) -> Committed:
        self.asked += 1
        trouble = self.trouble.pop(0) if self.trouble else ""
        if trouble == "before":
            raise BackpressureError("away")
        if str(self.hates) in [state.key for state in commit.rule_states]:
            raise PoisonMessageError("refused_by_store", "no")
        done = await super().commit(commit)
        if trouble == "after":
            raise BackpressureError("no answer")
        return done

    async def stored(self) -> Offset:
        """Give the hop's offset."""
        (offset,) = await self.offsets("waiting", PLACE.topic)
        return offset

    async def written(self) -> list[int]:
        """Give what the hop wrote, in order."""
        return sorted(int(state.key) for state in await self.rule_states(PLACE.topic, 0))


class Line:
    """A worker of one partition."""

    def __init__(self, store: Shaky, hop: Waiting) -> None:
        self.store, self.hop, self.watermark = store, hop, Watermark()
        self.carrier = Carrier(hop, store, self.watermark)

    async def begin(self, at: int = 0) -> Line:
        """Take the partition over."""
        await self.carrier.resume(PLACE, at)
        self.watermark.assign(PLACE, at)
        return self

    async def read(self, *offsets: int) -> None:
        """Carry a run."""
        ticket = self.watermark.read(PLACE, offsets[0], offsets[-1], frozenset({"waiting"}))
        assert ticket is not None
        await self.carrier.carry(Run(ticket, [numbered(offset) for offset in offsets]))


def numbered(offset: int) -> ConsumerRecord:
    made: Any = record(offset, b"", topic=PLACE.topic, headers=(), at=NOW)
    return replace(made, timestamp=1000 + offset)


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hop_module, "BACKOFF_S", (0.0,))


async def begun(*trouble: str, bad: int = -1) -> Line:
    line = await Line(Shaky(), Waiting(bad)).begin()
    line.store.trouble = list(trouble)
    return line


async def test_the_stored_offset_waits_with_the_first_record_that_is_held() -> None:
    """All is read and the run is finished, yet the broker is told no more than the database knows."""
    line = await begun()
    await line.read(0, 1, 2, 3, 4)
    stored = await line.store.stored()
    assert (stored.next_offset, stored.stamp_ms) == (3, 1002)
    assert line.watermark.finished(PLACE) == 5
    assert line.watermark.committable(PLACE) == 3
    assert line.watermark.unfinished() == 0


async def test_a_tick_lets_the_stored_offset_catch_up() -> None:
    """Nothing more comes: what was held is written, and so is how far it came."""
    line = await begun()
    await line.read(0, 1, 2)
    await line.carrier.tick()
    stored = await line.store.stored()
    assert (stored.next_offset, stored.stamp_ms) == (3, 1002)
    assert line.watermark.committable(PLACE) == 3
    assert await line.store.written() == [0, 1, 2]


async def test_a_run_that_is_held_as_a_whole_costs_no_transaction() -> None:
    """There is nothing to write and no offset to move."""
    line = await begun()
    await line.read(0, 1)
    assert line.store.asked == 0
    assert line.watermark.committable(PLACE) == 0


@pytest.mark.parametrize("trouble", ["before", "after"])
async def test_after_a_failed_commit_what_is_not_stored_is_worked_again(trouble: str) -> None:
    """Memory is that of the database then; the records since are given to the hop a second time, none is lost."""
    line = await begun("", trouble)
    await line.read(0, 1, 2)
    await line.read(3, 4)
    assert line.hop.worked == [0, 1, 2, 3, 4, 1, 2, 3, 4]
    await line.carrier.tick()
    assert await line.store.written() == [0, 1, 2, 3, 4]
    assert (await line.store.stored()).next_offset == 5


async def test_a_worker_that_somebody_overtook_goes_on_from_there() -> None:
    """The other stored up to 3 of the 5 that we read: those after it are worked again on its states."""
    line = await begun()
    await line.read(0, 1, 2, 3, 4)
    await line.store.reset_offset(Offset("waiting", PLACE.topic, 0, 4, 1003))
    line.hop.worked.clear()
    await line.read(5, 6)
    assert line.hop.worked == [5, 6, 4, 5, 6]
    assert (await line.store.stored()).next_offset == 5


async def test_a_worker_that_somebody_left_far_behind_forgets_what_it_held() -> None:
    """The other stored beyond all that we read: nothing of ours counts."""
    line = await begun()
    await line.read(0, 1, 2, 3, 4)
    await line.store.reset_offset(Offset("waiting", PLACE.topic, 0, 9, 1008))
    line.hop.worked.clear()
    await line.read(5, 6, 7, 8, 9, 10, 11)
    assert line.hop.held == [10, 11]
    assert (await line.store.stored()).next_offset == 10
    assert await line.store.written() == [0, 1, 2, 9]


async def test_a_refused_record_takes_no_held_one_with_it() -> None:
    """Finding the bad one loses the hop's memory: it is given back before the dead letter is written."""
    line = await begun(bad=3)
    await line.read(0, 1)
    await line.read(2, 3, 4)
    await line.carrier.tick()
    assert await line.store.written() == [0, 1, 2, 4]
    assert [letter.offset for letter in await line.store.dead_letters()] == [3]
    assert line.watermark.committable(PLACE) == 5


async def test_a_record_that_the_store_refuses_when_it_leaves_the_hold_is_found() -> None:
    """It was worked long before: not the record that came last is refused, and those after it go on."""
    line = await begun()
    line.store.hates = 1
    await line.read(0, 1, 2)
    await line.read(3, 4)
    await line.read(5, 6, 7)
    assert [letter.offset for letter in await line.store.dead_letters()] == [1]
    assert await line.store.written() == [0, 2, 3, 4, 5]
    assert line.hop.held == [6, 7]


async def test_a_record_that_the_store_refuses_at_a_tick_is_found() -> None:
    """Nothing more comes; the tick finds out itself what is bad."""
    line = await begun()
    line.store.hates = 1
    await line.read(0, 1, 2)
    await line.carrier.tick()
    assert [letter.offset for letter in await line.store.dead_letters()] == [1]
    assert await line.store.written() == [0, 2]
    assert line.watermark.committable(PLACE) == 3


async def test_offsets_with_a_gap_are_stored_by_the_record_before() -> None:
    """A restart compares that record's timestamp with the log: it must be one that is there."""
    line = await begun()
    await line.read(0, 1, 7, 8)
    stored = await line.store.stored()
    assert (stored.next_offset, stored.stamp_ms) == (2, 1001)


async def test_what_was_held_of_a_log_that_is_gone_is_forgotten() -> None:
    """The log begins anew: the offsets of old records mean nothing in it."""
    line = await begun()
    await line.read(10, 11, 12)
    await line.read(0, 1, 2)
    assert line.hop.held == [1, 2]
    assert (await line.store.stored()).next_offset == 1
