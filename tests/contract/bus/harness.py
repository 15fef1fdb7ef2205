"""What the contract tests of the bus share: topics on a real broker, and reading back what was sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from schemas.bus.abstract import Publisher
from schemas.bus.memory import MemoryPublisher
from schemas.topics import TOPICS


class Stored(NamedTuple):
    """A record as the broker has it."""

    value: bytes
    key: bytes | None
    headers: list[tuple[str, bytes]]


class Reader(Protocol):
    """Reads back `count` records of a partition from `offset` on."""

    async def __call__(self, topic: str, partition: int, offset: int, count: int) -> list[Stored]:
        """Read them."""


@dataclass(frozen=True)
class Bus:
    """A publisher under test with a reader of what it sent."""

    publisher: Publisher
    read: Reader


async def create_topics(bootstrap: str) -> None:
    """Make the topics of Canh; those that exist stay as they are."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic.name, topic.partitions, 1) for topic in TOPICS])
    finally:
        await admin.close()


def reader_of_memory(publisher: MemoryPublisher) -> Reader:
    """Read from the lists."""

    async def read(topic: str, partition: int, offset: int, count: int) -> list[Stored]:
        records = publisher.records[(topic, partition)][offset : offset + count]
        return [Stored(record.value, record.key, list(record.headers)) for record in records]

    return read


def reader_of_kafka(bootstrap: str) -> Reader:
    """Read with a consumer of its own, without a group."""

    async def read(topic: str, partition: int, offset: int, count: int) -> list[Stored]:
        consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
        await consumer.start()
        try:
            consumer.assign([TopicPartition(topic, partition)])
            consumer.seek(TopicPartition(topic, partition), offset)
            records = [await consumer.getone() for _ in range(count)]
        finally:
            await consumer.stop()
        return [Stored(record.value, record.key, list(record.headers)) for record in records]

    return read
