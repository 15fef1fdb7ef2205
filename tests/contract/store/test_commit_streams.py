from __future__ import annotations

import asyncio

import pytest

from schemas.codec import decode_signal
from schemas.errors import ConflictError, PoisonMessageError
from schemas.events import Text
from schemas.store.abstract import Commit, Offset, RuleState, Store
from schemas.topics import SIGNALS
from tests.contract.store.samples import batch, observation, opened, signal


def state(key: str, content: bytes | None) -> RuleState:
    return RuleState("river-level", key, "canh.observations", 0, content)


def offset(next_offset: int, **given: int | None) -> Offset:
    return Offset("evaluate", "canh.observations", 0, next_offset, **given)


async def test_offsets_come_back_by_partition(store: Store) -> None:
    """Each partition of a hop and topic has its own offset and stamp."""
    await store.commit(Commit(offset=Offset("store", "a", 1, 20, stamp_ms=7)))
    await store.commit(Commit(offset=Offset("store", "a", 0, 10)))
    await store.commit(Commit(offset=Offset("store", "b", 0, 5)))
    assert await store.offsets("store", "a") == [Offset("store", "a", 0, 10), Offset("store", "a", 1, 20, stamp_ms=7)]
    assert await store.offsets("evaluate", "a") == []


async def test_an_offset_never_goes_backwards(store: Store) -> None:
    """A late commit leaves the offset and its stamp; only a reset moves it back."""
    await store.commit(Commit(offset=offset(20, stamp_ms=7)))
    await store.commit(Commit(offset=offset(10, stamp_ms=3)))
    assert await store.offsets("evaluate", "canh.observations") == [offset(20, stamp_ms=7)]
    await store.reset_offset(offset(4))
    assert await store.offsets("evaluate", "canh.observations") == [offset(4)]
    await store.commit(Commit(offset=offset(6, stamp_ms=9)))
    assert await store.offsets("evaluate", "canh.observations") == [offset(6, stamp_ms=9)]


async def test_a_worker_that_was_overtaken_writes_nothing(store: Store) -> None:
    """A batch that begins before the stored offset raises ConflictError and leaves every table as it was."""
    await store.commit(Commit(offset=offset(20), rule_states=[state("gauge-1", b"new")]))
    before = await store.checksum()
    late = Commit(
        offset=offset(30, expected=10),
        rule_states=[state("gauge-1", b"old")],
        observations=batch(observation()),
        signals=[signal()],
    )
    with pytest.raises(ConflictError, match="evaluate"):
        await store.commit(late)
    assert await store.checksum() == before


async def test_a_tick_writes_states_without_moving_the_offset(store: Store) -> None:
    """Time passing is a commit at the very same offset: states and the stamp are kept right."""
    await store.commit(Commit(offset=offset(20, stamp_ms=7), rule_states=[state("gauge-1", b"pending")]))
    await store.commit(Commit(offset=offset(20, expected=20), rule_states=[state("gauge-1", b"firing")]))
    assert await store.rule_states("canh.observations", 0) == [state("gauge-1", b"firing")]
    assert await store.offsets("evaluate", "canh.observations") == [offset(20, stamp_ms=7)]


async def test_states_are_put_changed_and_dropped(store: Store) -> None:
    """The last state of a key in a commit counts; None deletes; other partitions are untouched."""
    other = RuleState("river-level", "gauge-1", "canh.observations", 1, b"elsewhere")
    await store.commit(Commit(rule_states=[state("gauge-2", b"b"), state("gauge-1", b"a"), other]))
    assert await store.rule_states("canh.observations", 0) == [state("gauge-1", b"a"), state("gauge-2", b"b")]
    await store.commit(Commit(rule_states=[state("gauge-1", b"x"), state("gauge-1", b"c"), state("gauge-2", None)]))
    assert await store.rule_states("canh.observations", 0) == [state("gauge-1", b"c")]
    assert await store.rule_states("canh.observations", 1) == [other]


async def test_a_replay_never_takes_states_back(store: Store) -> None:
    """States of a part of the log that was worked on already are not written again over newer ones."""
    first = Commit(offset=offset(10), rule_states=[state("gauge-1", b"first")])
    await store.commit(first)
    await store.commit(Commit(offset=offset(20), rule_states=[state("gauge-1", b"second")]))
    await store.commit(first)
    assert await store.rule_states("canh.observations", 0) == [state("gauge-1", b"second")]


async def test_signals_go_to_the_outbox_once(store: Store) -> None:
    """A new signal waits for the bus with its kind as key and CloudEvents headers; a known one is not sent again."""
    commit = Commit(signals=[signal(), signal(id="signal-2", kind="fire")])
    await store.commit(commit)
    first, second = await store.outbox(10)
    assert (first.topic, first.key, decode_signal(first.value)) == (SIGNALS.name, "flood", signal())
    assert dict(first.headers)["ce_id"] == b"signal-1"
    assert dict(first.headers)["ce_type"] == b"vn.canh.signal.v1"
    assert second.key == "fire"
    assert first.id < second.id
    async with store.outbox_turn() as turn:
        await turn.done([first.id])
    before = await store.checksum()
    await store.commit(commit)
    assert [item.id for item in await store.outbox(10)] == [second.id]
    assert await store.checksum() == before


async def test_the_outbox_gives_the_oldest_first(store: Store) -> None:
    """A limit cuts the newest off, and forgetting some leaves the others in order."""
    await store.commit(Commit(signals=[signal(id=f"s{i}") for i in range(5)]))
    async with store.outbox_turn() as turn:
        items = await turn.waiting(3)
        assert [decode_signal(item.value).id for item in items] == ["s0", "s1", "s2"]
        await turn.done([items[0].id, items[2].id])
    assert [decode_signal(item.value).id for item in await store.outbox(9)] == ["s1", "s3", "s4"]


async def test_one_relay_at_a_time_has_the_outbox(store: Store) -> None:
    """The second waits until the first is done."""
    entered = asyncio.Event()

    async def second() -> None:
        async with store.outbox_turn():
            entered.set()

    async with asyncio.timeout(60):
        async with store.outbox_turn():
            waiting = asyncio.create_task(second())
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(entered.wait(), 0.7)
        await waiting


async def test_all_or_nothing(store: Store) -> None:
    """One refused part undoes all the others: rows, offset, states, signals."""
    await store.commit(Commit(incidents=[opened()]))
    before = await store.checksum()
    good = Commit(offset=offset(9), observations=batch(observation()), rule_states=[state("a", b"a")])
    bad = signal(title=Text(vi="\x00", en=""))
    with pytest.raises(PoisonMessageError):
        await store.commit(Commit(offset=good.offset, observations=good.observations, signals=[signal(), bad]))
    with pytest.raises(ConflictError):
        await store.commit(
            Commit(
                offset=good.offset,
                observations=good.observations,
                rule_states=good.rule_states,
                signals=[signal()],
                incidents=[opened(severity=5)],
            )
        )
    assert await store.checksum() == before
