"""Asks the broker where logs end, and the database how far the hops before have come: gives surveys for `Headway`."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from contextlib import suppress
from time import monotonic

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from aiokafka.structs import TopicPartition

from schemas.store.abstract import StreamStore
from streams.headway import Survey
from streams.pipeline import Step
from streams.watermark import Place

#: A broker that has not answered by then counts as away.
ANSWER_S = 5.0


class Surveyor:
    """Looks at some topics over a connection of its own: the hops' consumer fetches, and answers nobody meanwhile.

    `before` are the steps that write our topics, in this process or in others: all that is known of them is what they
    have stored.
    """

    def __init__(self, bootstrap: str, store: StreamStore, topics: Collection[str], before: Collection[Step]) -> None:
        self._bootstrap = bootstrap
        self._store = store
        self._topics = frozenset(topics)
        self._before = tuple(before)
        self._consumer: AIOKafkaConsumer | None = None

    async def ask(self) -> Survey:
        """Give how things stand; raises KafkaError or TimeoutError (no broker), BackpressureError (no store)."""
        async with asyncio.timeout(ANSWER_S):
            consumer = self._consumer = self._consumer or await self._connected()
            asked_s = monotonic()
            sources = _partitions(consumer, {step.reads.name for step in self._before})
            begins = _by_place(await consumer.beginning_offsets(sources))
            ends = _by_place(await consumer.end_offsets([*_partitions(consumer, self._topics), *sources]))
        return Survey(
            asked_s,
            ends={place: end for place, end in ends.items() if place.topic in self._topics},
            before={place: ends[place] for place in begins},
            done=begins | await self._stored(begins),
        )

    async def close(self) -> None:
        """Leave the broker."""
        if self._consumer is not None:
            consumer, self._consumer = self._consumer, None
            await _left(consumer)

    async def _connected(self) -> AIOKafkaConsumer:
        consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, enable_auto_commit=False)
        try:
            await consumer.start()
            names = self._topics | {step.reads.name for step in self._before}
            await consumer.end_offsets([TopicPartition(name, 0) for name in names])  # it now knows their partitions
        except BaseException:
            await _left(consumer)
            raise
        return consumer

    async def _stored(self, begins: Mapping[Place, int]) -> dict[Place, int]:
        """Give how far the hops before have come; records that were deleted before they read them are nobody's."""
        found: dict[Place, int] = {}
        for step in self._before:
            for offset in await self._store.offsets(step.hop, step.reads.name):
                place = Place(offset.topic, offset.partition)
                found[place] = max(offset.next_offset, begins.get(place, 0))
        return found


def _partitions(consumer: AIOKafkaConsumer, topics: Collection[str]) -> list[TopicPartition]:
    return [TopicPartition(topic, p) for topic in topics for p in sorted(consumer.partitions_for_topic(topic) or ())]


def _by_place(offsets: Mapping[TopicPartition, int]) -> dict[Place, int]:
    return {Place(tp.topic, tp.partition): offset for tp, offset in offsets.items()}


async def _left(consumer: AIOKafkaConsumer) -> None:
    """Close a connection; one to a broker that is away holds up nobody."""
    with suppress(KafkaError, TimeoutError):
        async with asyncio.timeout(ANSWER_S):
            await consumer.stop()
