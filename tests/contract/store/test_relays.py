"""Several workers' relays over one database: what reaches the bus is in order, also when connections break."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

import pytest

from schemas.bus.abstract import Message, Receipt
from schemas.bus.memory import MemoryPublisher
from schemas.codec import decode_signal
from schemas.store.abstract import Commit
from schemas.store.timescale import TimescaleStore
from schemas.topics import SIGNALS
from streams import relay as relay_module
from streams.relay import Relay
from tests.contract.store.samples import T0, signal
from tests.contract.store.test_outages import terminate_others

COUNT, ROUND = 300, 20


class Slow(MemoryPublisher):
    """A broker that takes its time, so that turns change in the middle of a round."""

    async def send(self, messages: Sequence[Message]) -> list[Receipt]:
        """Take one record after the other."""
        receipts = []
        for message in messages:
            await asyncio.sleep(0.002)
            receipts += await super().send([message])
        return receipts


@pytest.mark.parametrize("seed", [1, 2])
async def test_two_relays_keep_the_order(
    database_store: TimescaleStore, dsn: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While connections are cut at random, each record is sent in its turn, and only the last round ever again."""
    monkeypatch.setattr(relay_module, "ROUND", ROUND)
    monkeypatch.setattr(relay_module, "BACKOFF_S", (0.01,))
    monkeypatch.setattr("schemas.store.timescale.outbox.TRY_S", 0.02)
    chance = random.Random(seed)
    publisher = Slow()
    await publisher.start()
    other = TimescaleStore(dsn, application_name="other")
    relays = [asyncio.create_task(Relay(s, publisher, lambda: T0).run()) for s in (database_store, other)]
    async with asyncio.timeout(60):
        for number in range(0, COUNT, 10):
            await database_store.commit(Commit(signals=[signal(id=f"{i:04d}") for i in range(number, number + 10)]))
            if chance.random() < 0.2:
                await asyncio.sleep(chance.random() * 0.1)
                terminate_others(dsn)
        while await database_store.outbox(1):  # noqa: ASYNC110 -- relays tell nobody
            await asyncio.sleep(0.05)
    for task in relays:
        task.cancel()
    await asyncio.gather(*relays, return_exceptions=True)
    await other.close()
    sent = [int(decode_signal(message.value).id) for message in publisher.of_topic(SIGNALS.name)]
    assert list(dict.fromkeys(sent)) == list(range(COUNT)), "a record overtook another"
    reached = -1
    for number in sent:
        assert number > reached - 2 * ROUND, "what was sent long ago was sent again"
        reached = max(reached, number)
