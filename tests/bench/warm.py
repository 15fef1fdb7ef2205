"""Lets a broker serve before anything is timed.

Apache Kafka's Java translates its code as it goes: a broker that has just been started spent a third of its CPU time in
a bench of two seconds on that, and most of the rest on code not yet translated. One in service did so long ago.
"""

from __future__ import annotations

import asyncio

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

#: A method is translated after some hundred calls; 3,000 gave little more than 1,000, and took twice as long.
REQUESTS = 1_500
TIMEOUT_S = 60.0
_PLACE = TopicPartition("bench.warm", 0)


def warm(bootstrap: str) -> None:
    """Write many small messages one by one to a topic that nobody else reads, and read each."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    admin.create_topics([NewTopic(_PLACE.topic, 1, 1)])
    admin.close()
    asyncio.run(asyncio.wait_for(_serve(bootstrap), TIMEOUT_S))


async def _serve(bootstrap: str) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=None, auto_offset_reset="earliest")
    async with producer, consumer:
        consumer.assign([_PLACE])
        for _ in range(REQUESTS):
            await producer.send_and_wait(_PLACE.topic, bytes(1000), partition=_PLACE.partition)
            await consumer.getone()
