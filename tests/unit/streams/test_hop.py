from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka.structs import ConsumerRecord

from schemas.errors import BackpressureError, ConflictError, OverloadError, PoisonMessageError
from schemas.events import Reason
from schemas.store.abstract import Commit, Committed, Offset
from schemas.topics import OBSERVATIONS
from streams import hop as hop_module
from streams.hop import Carrier, Hop, Records
from streams.metrics import REFUSED
from streams.transport import Run
from streams.watermark import Place, Watermark

PLACE = Place(OBSERVATIONS.name, 0)


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hop_module, "BACKOFF_S", (0.0,))


@dataclass
class Ledger:
    """A store that remembers commits; can be away, or taken over by somebody else."""

    done: list[int] = field(default_factory=list)
    letters: list[int] = field(default_factory=list)
    next_offset: int = 0
    away: int = 0
    taken_over_to: int = 0
    resets: list[int] = field(default_factory=list)
    conflicts: int = 0  # found in each commit
    most: int = 1000  # records that it writes within its time
    tries: int = 0

    async def commit(self, commit: Commit) -> Committed:
        offset = commit.offset
        self.tries += 1
        if len(commit.rule_states) > self.most:
            raise OverloadError("too much at once")
        assert offset is not None
        assert offset.expected is not None
        if self.away:
            self.away -= 1
            raise BackpressureError("away")
        self.next_offset = max(self.next_offset, self.taken_over_to)
        if self.next_offset > offset.expected:
            raise ConflictError("somebody else was here")
        self.letters += [letter.offset for letter in commit.dead_letters]
        self.done += [int(state.key) for state in commit.rule_states]
        self.next_offset = offset.next_offset
        return Committed(conflicts=self.conflicts)

    async def offsets(self, hop: str, topic: str) -> list[Offset]:
        return [Offset(hop, topic, 0, self.next_offset)]

    async def reset_offset(self, offset: Offset) -> None:
        self.resets.append(offset.next_offset)
        self.next_offset = offset.next_offset


class Numbers(Hop):
    """A hop that writes each record's offset; offsets in `bad` are poison; loads are counted."""

    name = "numbers"
    topic = OBSERVATIONS

    def __init__(self, bad: Sequence[int] = ()) -> None:
        self.bad = set(bad)
        self.loads = 0

    async def load(self, place: Place) -> None:
        self.loads += 1

    async def work(self, place: Place, records: Records) -> Commit:
        for record in records:
            if record.offset in self.bad:
                raise PoisonMessageError("bad_json", f"{record.offset} is bad")
        from schemas.store.abstract import RuleState

        return Commit(rule_states=[RuleState("r", str(r.offset), r.topic, 0, b"") for r in records])


def records(*offsets: int) -> list[Any]:
    return [
        ConsumerRecord(
            topic=PLACE.topic,
            partition=0,
            offset=offset,
            timestamp=1000 + offset,
            timestamp_type=0,
            key=None,
            value=b"%d" % offset,
            checksum=None,
            serialized_key_size=-1,
            serialized_value_size=1,
            headers=(),
        )
        for offset in offsets
    ]


async def carried(ledger: Ledger, hop: Hop, *offsets: int, position: int | None = None) -> Watermark:
    watermark = Watermark()
    watermark.assign(PLACE, offsets[0] if position is None else position)
    carrier = Carrier(hop, ledger, watermark)  # type: ignore[arg-type]
    await carrier.resume(PLACE, ledger.next_offset)
    ticket = watermark.read(PLACE, offsets[0], offsets[-1], frozenset({hop.name}))
    assert ticket is not None
    await carrier.carry(Run(ticket, records(*offsets)))
    return watermark


async def test_a_good_run_is_one_commit_and_moves_the_watermark() -> None:
    """Rows and the next offset go together; then the offset may be told to the broker."""
    ledger = Ledger()
    watermark = await carried(ledger, Numbers(), 0, 1, 2)
    assert ledger.done == [0, 1, 2]
    assert ledger.next_offset == 3
    assert watermark.committable(PLACE) == 3


@pytest.mark.parametrize("bad", [[0], [7], [3, 4], [0, 1, 2, 3, 4, 5, 6, 7]])
async def test_poison_is_found_by_halving_and_all_others_are_written(bad: list[int]) -> None:
    """Exactly the bad records become dead letters, in whatever place they stand."""
    ledger = Ledger()
    watermark = await carried(ledger, Numbers(bad), *range(8))
    assert ledger.letters == bad
    assert ledger.done == [offset for offset in range(8) if offset not in bad]
    assert watermark.committable(PLACE) == 8


async def test_conflicts_that_the_store_finds_are_counted_as_refused() -> None:
    """The hop never sees these dead letters: they are made inside the commit."""

    def counted() -> float:
        return float(REFUSED.labels("numbers", Reason.ID_CONFLICT)._value.get())

    before = counted()
    await carried(Ledger(conflicts=2), Numbers(), 0, 1)
    assert counted() - before == 2


async def test_a_store_that_is_away_is_asked_until_it_is_back() -> None:
    """Nothing is dropped and nothing is told to the broker meanwhile; state is read again."""
    ledger, hop = Ledger(away=20), Numbers()
    await carried(ledger, hop, 0, 1)
    assert ledger.done == [0, 1]
    assert hop.loads == 1 + 20


async def test_a_store_that_is_away_while_a_dead_letter_is_written_is_asked_again() -> None:
    """The refusal itself is never lost either."""
    ledger = Ledger(away=3)
    await carried(ledger, Numbers([0]), 0)
    assert ledger.letters == [0]


async def test_a_worker_that_slept_writes_nothing_that_another_has_written() -> None:
    """The zombie's commit is refused; it reads how far the other came and goes on from there."""
    ledger = Ledger(taken_over_to=3)
    await carried(ledger, Numbers(), 0, 1, 2, 3, 4)
    assert ledger.done == [3, 4]


async def test_a_worker_that_slept_gives_up_a_bad_record_that_another_has_refused() -> None:
    """It learns how far the other came, instead of trying to write the refusal for ever."""
    ledger = Ledger(taken_over_to=2)
    async with asyncio.timeout(10):
        await carried(ledger, Numbers([0]), 0, 1, 2)
    assert (ledger.letters, ledger.done, ledger.next_offset) == ([], [2], 3)


async def test_a_run_that_is_too_much_for_the_store_is_done_in_parts() -> None:
    """To ask the same again and again would never end; parts are halved until they are written in time."""
    ledger = Ledger(most=2)
    async with asyncio.timeout(10):
        await carried(ledger, Numbers(), *range(9))
    assert ledger.done == list(range(9))
    assert ledger.tries < 30


async def test_a_run_that_waited_while_its_partition_was_taken_over_is_left() -> None:
    """The log had lost records, and the partition was set back: the old run would hide the new log's beginning."""
    watermark, ledger, hop = Watermark(), Ledger(next_offset=100), Numbers()
    carrier = Carrier(hop, ledger, watermark)  # type: ignore[arg-type]
    watermark.assign(PLACE, 100)
    await carrier.resume(PLACE, 100)
    old = watermark.read(PLACE, 100, 101, frozenset({hop.name}))
    assert old is not None
    async with carrier.quiet():
        waiting = asyncio.create_task(carrier.carry(Run(old, records(100, 101))))
        await asyncio.sleep(0)
        await ledger.reset_offset(Offset(hop.name, PLACE.topic, PLACE.partition, 0))
        await carrier.resume(PLACE, 0)
        watermark.revoke(PLACE)
        watermark.assign(PLACE, 0)
    await waiting
    new = watermark.read(PLACE, 0, 2, frozenset({hop.name}))
    assert new is not None
    await carrier.carry(Run(new, records(0, 1, 2)))
    assert ledger.done == [0, 1, 2]


async def test_records_that_this_hop_has_already_are_skipped() -> None:
    """Two hops share a topic: the slower one makes the faster one see records again."""
    ledger = Ledger(next_offset=2)
    await carried(ledger, Numbers(), 0, 1, 2, 3)
    assert ledger.done == [2, 3]


async def test_a_log_that_began_anew_is_read_from_its_new_beginning() -> None:
    """The broker lost records: the stored offset is set back before the first commit."""
    ledger = Ledger(next_offset=100)
    await carried(ledger, Numbers(), 0, 1, position=100)
    assert ledger.resets == [0]
    assert ledger.done == [0, 1]


async def test_a_bug_in_a_hop_is_not_hidden() -> None:
    """Anything that is neither poison nor absence ends the worker, and the run stays unfinished."""

    class Buggy(Numbers):
        async def work(self, place: Place, records: Records) -> Commit:
            raise ZeroDivisionError

    watermark = Watermark()
    watermark.assign(PLACE, 0)
    carrier = Carrier(Buggy(), Ledger(), watermark)  # type: ignore[arg-type]
    await carrier.resume(PLACE, 0)
    ticket = watermark.read(PLACE, 0, 0, frozenset({"numbers"}))
    assert ticket is not None
    with pytest.raises(ZeroDivisionError):
        await carrier.carry(Run(ticket, records(0)))
    assert watermark.committable(PLACE) == 0
