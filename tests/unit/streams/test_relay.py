from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from schemas.bus.memory import MemoryPublisher
from schemas.errors import BackpressureError
from schemas.store.abstract import Commit
from schemas.store.memory import MemoryStore
from schemas.store.outbox import OutboxItem
from schemas.topics import INCIDENTS
from streams import relay as relay_module
from streams.relay import ROUND, Relay
from tests.contract.store.samples import signal
from tests.unit.streams.hands import clock


def filled(count: int, size: int = 1) -> MemoryStore:
    store = MemoryStore()
    for id_ in range(1, count + 1):
        store.tables.outbox[id_] = OutboxItem(id_, INCIDENTS.name, "k", [], b"%d" % id_ * size)
    return store


async def started(**options: int) -> MemoryPublisher:
    publisher = MemoryPublisher(**options)
    await publisher.start()
    return publisher


def values(publisher: MemoryPublisher) -> list[bytes]:
    return [message.value for message in publisher.of_topic(INCIDENTS.name)]


async def test_records_go_in_order_and_are_forgotten_only_then() -> None:
    """More than one round."""
    store, publisher = filled(ROUND + 2), await started()
    relay = Relay(store, publisher, clock)
    async with store.outbox_turn() as turn:
        assert [await relay.move(turn), await relay.move(turn), await relay.move(turn)] == [ROUND, 2, 0]
    assert values(publisher) == [b"%d" % id_ for id_ in range(1, ROUND + 3)]
    assert store.tables.outbox == {}


async def test_a_broker_that_is_away_costs_nothing() -> None:
    """The records stay until it is back."""
    store, publisher = filled(3), await started()
    publisher.away = True
    with pytest.raises(BackpressureError):
        async with store.outbox_turn() as turn:
            await Relay(store, publisher, clock).move(turn)
    assert len(store.tables.outbox) == 3


async def crash(_ids: object) -> None:
    raise BackpressureError("away")


async def test_a_crash_between_sending_and_forgetting_sends_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """At least once: never forgotten but not sent."""
    store, publisher = filled(2), await started()
    relay = Relay(store, publisher, clock)
    async with store.outbox_turn() as turn:
        with monkeypatch.context() as patch:
            patch.setattr(turn, "done", crash)
            with pytest.raises(BackpressureError):
                await relay.move(turn)
        await relay.move(turn)
    assert values(publisher) == [b"1", b"2", b"1", b"2"]


async def test_a_record_that_the_broker_never_takes_holds_up_nobody() -> None:
    """It goes to the dead letters; the others are sent."""
    store, publisher = filled(2), await started(max_message_bytes=50)
    store.tables.outbox[3] = OutboxItem(3, INCIDENTS.name, "k", [], b"x" * 100)
    store.tables.outbox[4] = OutboxItem(4, INCIDENTS.name, "k", [], b"4")
    async with store.outbox_turn() as turn:
        await Relay(store, publisher, clock).move(turn)
    assert values(publisher) == [b"1", b"2", b"4"]
    assert [(letter.topic, letter.offset) for letter in await store.dead_letters()] == [(INCIDENTS.name, 3)]


@asynccontextmanager
async def running(*relays: Relay) -> AsyncIterator[list[asyncio.Task[None]]]:
    tasks = [asyncio.create_task(relay.run()) for relay in relays]
    yield tasks
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def emptied(store: MemoryStore) -> None:
    async with asyncio.timeout(30):
        while store.tables.outbox:  # noqa: ASYNC110 -- the store tells nobody
            await asyncio.sleep(0.001)


async def test_it_goes_on_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """After an outage, without a person's help."""
    monkeypatch.setattr(relay_module, "BACKOFF_S", (0.001,))
    store, publisher = filled(2), await started()
    publisher.away = True
    async with running(Relay(store, publisher, clock)):
        await asyncio.sleep(0.02)
        publisher.away = False
        await emptied(store)


async def test_it_is_woken_by_a_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not wait for its next look."""
    monkeypatch.setattr(relay_module, "IDLE_S", 60.0)
    store, publisher = MemoryStore(), await started()
    async with running(Relay(store, publisher, clock)):
        await asyncio.sleep(0.01)
        await store.commit(Commit(signals=[signal()]))
        await emptied(store)


async def test_of_two_relays_one_sends_and_the_other_takes_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sent twice or out of order while both run, also when the one that had the turn ends."""
    monkeypatch.setattr(relay_module, "IDLE_S", 60.0)
    monkeypatch.setattr(relay_module, "ROUND", 3)
    store, publisher = filled(100), await started()
    async with running(Relay(store, publisher, clock), Relay(store, publisher, clock)) as (first, _second):
        await asyncio.sleep(0)
        await emptied(store)
        first.cancel()
        for id_ in range(101, 151):
            store.tables.outbox[id_] = OutboxItem(id_, INCIDENTS.name, "k", [], b"%d" % id_)
        await emptied(store)
    assert values(publisher) == [b"%d" % id_ for id_ in range(1, 151)]
