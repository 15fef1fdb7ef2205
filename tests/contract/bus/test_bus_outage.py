from __future__ import annotations

import asyncio

import pytest

from deploy.local.server import free_port
from schemas.bus.abstract import Message
from schemas.bus.kafka import KafkaPublisher
from schemas.bus.memory import MemoryPublisher
from schemas.errors import BackpressureError
from schemas.topics import DEAD_LETTERS
from tests.contract.bus.harness import create_topics
from tests.servers import BrokerServer


async def test_memory_plays_an_outage() -> None:
    """While away every call means to wait; afterwards nothing half-sent is there."""
    publisher = MemoryPublisher()
    await publisher.start()
    publisher.away = True
    with pytest.raises(BackpressureError):
        await publisher.send([Message(DEAD_LETTERS.name, b"x")])
    with pytest.raises(BackpressureError):
        await publisher.start()
    publisher.away = False
    await publisher.send([Message(DEAD_LETTERS.name, b"y")])
    assert [record.value for record in publisher.of_topic(DEAD_LETTERS.name)] == [b"y"]


async def test_start_without_a_broker_means_wait() -> None:
    """No broker at the address: BackpressureError that names it, not a library's error."""
    bootstrap = f"127.0.0.1:{free_port()}"
    publisher = KafkaPublisher(bootstrap, request_timeout_s=1)
    with pytest.raises(BackpressureError, match=bootstrap):
        await publisher.start()
    await publisher.stop()


@pytest.mark.integration
async def test_an_outage_ends_and_sending_goes_on(broker: BrokerServer) -> None:
    """A send during an outage fails within its time; the same publisher sends again once the broker is back."""
    await create_topics(broker.bootstrap)
    publisher = KafkaPublisher(broker.bootstrap, request_timeout_s=2)
    await publisher.start()
    try:
        await publisher.send([Message(DEAD_LETTERS.name, b"before")])
        broker.stop()  # not in a thread: an embedded server ends with the thread that started it
        async with asyncio.timeout(30):
            with pytest.raises(BackpressureError):
                await publisher.send([Message(DEAD_LETTERS.name, b"during")])
        assert not await publisher.healthy()
        broker.restart()
        await create_topics(broker.bootstrap)
        async with asyncio.timeout(60):
            await repeat_until_sent(publisher, Message(DEAD_LETTERS.name, b"after"))
        assert await publisher.healthy()
    finally:
        broker_is_back(broker)
        await publisher.stop()


async def repeat_until_sent(publisher: KafkaPublisher, message: Message) -> None:
    """Do what every caller does: wait and repeat."""
    while True:
        try:
            await publisher.send([message])
        except BackpressureError:
            await asyncio.sleep(0.2)
        else:
            return


def broker_is_back(broker: BrokerServer) -> None:
    """Leave the shared broker running, whatever happened."""
    if not broker.running():
        broker.restart()
