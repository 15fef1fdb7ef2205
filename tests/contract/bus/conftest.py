from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from schemas.bus.abstract import Publisher
from schemas.bus.kafka import KafkaPublisher
from schemas.bus.memory import MemoryPublisher
from tests.contract.bus.harness import Bus, create_topics, reader_of_kafka, reader_of_memory
from tests.servers import BrokerServer


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.integration)])
async def bus(request: pytest.FixtureRequest) -> AsyncIterator[Bus]:
    """Give a started publisher with a way to read back what the broker has."""
    publisher: Publisher
    if request.param == "memory":
        publisher = memory = MemoryPublisher()
        read = reader_of_memory(memory)
    else:
        broker: BrokerServer = request.getfixturevalue("broker")
        await create_topics(broker.bootstrap)
        publisher = KafkaPublisher(broker.bootstrap)
        read = reader_of_kafka(broker.bootstrap)
    await publisher.start()
    yield Bus(publisher, read)
    await publisher.stop()
