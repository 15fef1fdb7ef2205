from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from itertools import pairwise

import psycopg
import pytest

from schemas.events import DeadLetter, Reason
from schemas.store.abstract import Commit, Store
from schemas.store.timescale import TimescaleStore, letters
from tests.contract.store.samples import T0, at, batch, dead_letter, detection, observation

#: Times at which one refused message came; the log of one partition is not always in the order of its times.
TIMES = [0, 60, 30, 60, 120]


def cut(rows: Sequence[DeadLetter], places: Sequence[int]) -> list[list[DeadLetter]]:
    """Give a log as the batches that end at these places."""
    ends = [0, *places, len(rows)]
    return [list(rows[start:end]) for start, end in pairwise(ends)]


@pytest.mark.parametrize("first", [[], [1], [2, 4], [1, 2, 3, 4]], ids=str)
async def test_equal_refusals_read_again_in_other_batches_change_nothing(store: Store, first: list[int]) -> None:
    """However a log is cut into batches: attempts and times are the same, and what was resolved stays so."""
    log = [dead_letter(received_at=at(s), offset=i) for i, s in enumerate(TIMES)]
    for part in cut(log, first):
        await store.commit(Commit(dead_letters=part))
    (letter,) = await store.dead_letters()
    assert (letter.attempts, letter.received_at, letter.offset) == (2, T0, 0)
    assert await store.resolve_dead_letters([letter.id], at(119)) == 0
    assert await store.resolve_dead_letters([letter.id], at(120)) == 1
    before = await store.checksum()
    for places in ([], [1, 2, 3, 4], [3], [2, 4]):
        for part in cut(log, places):
            await store.commit(Commit(dead_letters=part))
        assert await store.checksum() == before


async def test_equal_conflicts_read_again_in_other_batches_change_nothing(store: Store) -> None:
    """A value that clashes twice in one batch counts as it does in two batches; so do events."""
    rows = [observation(value=4.0, received_at=at(s)) for s in (10, 20, 30)]
    events = [detection(label="fire", received_at=at(s)) for s in (10, 20, 30)]
    await store.commit(Commit(observations=batch(observation()), events=[detection()]))
    done = await store.commit(Commit(observations=batch(*rows), events=events))
    assert (done.duplicates, done.conflicts) == (0, 6)
    assert [letter.attempts for letter in await store.dead_letters()] == [2, 2]
    before = await store.checksum()
    for row, event in zip(rows, events, strict=True):
        await store.commit(Commit(observations=batch(row), events=[event]))
    assert await store.checksum() == before


async def test_bytes_of_a_message_are_kept_once(database_store: TimescaleStore, dsn: str) -> None:
    """A hundred refusals of one large message cost its size once, and each has the bytes."""
    raw = random.Random(1).randbytes(800_000)
    await database_store.commit(
        Commit(
            dead_letters=[
                dead_letter(raw=raw, item=i, id=DeadLetter.identity("river", "bad_json", raw, i)) for i in range(100)
            ]
        )
    )
    found = await database_store.dead_letters(limit=3)
    assert [letter.raw for letter in found] == [raw] * 3
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT count(*), sum(length(raw)) FROM dead_letter_raw").fetchone() == (1, 800_000)


async def test_large_refusals_go_in_parts(database_store: TimescaleStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """More bytes than one statement takes are written all the same, and all or nothing."""
    monkeypatch.setattr(letters, "CHUNK_BYTES", 3000)
    sent = [dead_letter(raw=bytes([i]) * 1000, received_at=at(i)) for i in range(10)]
    await database_store.commit(Commit(dead_letters=sent))
    assert await database_store.dead_letters() == sent[::-1]


async def test_many_writers_of_the_same_refusals_never_hold_each_other_up(store: Store) -> None:
    """New ones and ones that come again, in any order: each is there once with its newest time."""
    known = [dead_letter(raw=bytes([i])) for i in range(6)]
    await store.commit(Commit(dead_letters=known[:3]))
    commits = []
    for writer in range(8):
        order = random.Random(writer)
        mine = [dead_letter(raw=bytes([i]), received_at=at(writer)) for i in range(6)]
        commits.append(Commit(dead_letters=order.sample(mine, len(mine))))
    async with asyncio.timeout(60):
        await asyncio.gather(*(store.commit(commit) for commit in commits))
    ids = [letter.id for letter in known]
    assert await store.resolve_dead_letters(ids, at(6)) == 0
    assert await store.resolve_dead_letters(ids, at(7)) == 6


async def test_a_list_needs_no_bytes(store: Store) -> None:
    """A list without raw bytes has all the rest."""
    await store.commit(Commit(dead_letters=[dead_letter()]))
    (letter,) = await store.dead_letters(raw=False)
    assert (letter.raw, letter.id, letter.headers) == (b"", dead_letter().id, {"canh_source": "river"})


async def test_the_beginning_of_an_id_finds_a_refusal(store: Store) -> None:
    """The newest one that begins so, resolved or not, with its bytes; a pattern means itself."""
    sent = [dead_letter(id="ab1"), dead_letter(id="ab2", raw=b"2", received_at=at(1)), dead_letter(id="b", raw=b"3")]
    await store.commit(Commit(dead_letters=sent))
    await store.resolve_dead_letters(["ab2"], at(9))
    found = await store.dead_letter("ab")
    assert found is not None
    assert (found.id, found.raw) == ("ab2", b"2")
    assert await store.dead_letter("a_") is None
    assert await store.dead_letter("%") is None


async def test_what_waits_is_given_in_pages_in_the_order_of_arrival(store: Store) -> None:
    """Each once, oldest first, by place where times are equal; without some reasons, and what came after `until`."""
    sent = [
        dead_letter(raw=bytes([i]), offset=i, received_at=at(i // 3), partition=1, reason=reason)
        for i, reason in enumerate([Reason.BAD_JSON, Reason.UNSUPPORTED] * 6)
    ]
    await store.commit(Commit(dead_letters=random.Random(1).sample(sent, len(sent))))
    await store.resolve_dead_letters([sent[4].id], at(9))
    found: list[DeadLetter] = []
    while page := await store.waiting_dead_letters(
        until=at(2), without=[Reason.UNSUPPORTED], after=found[-1] if found else None, limit=2
    ):
        found += page
    assert [letter.offset for letter in found] == [0, 2, 6, 8]
    assert found[0].raw == b"\x00"
    named = await store.waiting_dead_letters(until=at(9), source="river", reason=Reason.UNSUPPORTED, limit=99)
    assert [letter.offset for letter in named] == [1, 3, 5, 7, 9, 11]
    assert await store.waiting_dead_letters(until=at(9), source="other", limit=9) == []
