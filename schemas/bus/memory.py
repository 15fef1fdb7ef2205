"""The bus in memory: the same promises as Kafka's publisher, for tests and for trying a hop alone."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Sequence

from schemas.bus.abstract import Message, Receipt
from schemas.bus.limits import MAX_MESSAGE_BYTES, refuse_too_large
from schemas.errors import BackpressureError
from schemas.topics import TOPICS


class MemoryPublisher:
    """Keeps every record in a list per (topic, partition); its index there is the offset.

    Set `away` to play a broker that does not answer. Only the topics of `schemas.topics` exist.
    """

    def __init__(self, *, max_message_bytes: int = MAX_MESSAGE_BYTES) -> None:
        self.records: defaultdict[tuple[str, int], list[Message]] = defaultdict(list)
        self.away = False
        self._started = False
        self._max_message_bytes = max_message_bytes
        self._partitions = {topic.name: topic.partitions for topic in TOPICS}
        self._keyless = 0

    async def start(self) -> None:
        """Connect; raises BackpressureError while `away`."""
        if self.away:
            raise BackpressureError("the memory broker is away")
        self._started = True

    async def stop(self) -> None:
        """Disconnect; the records stay readable."""
        self._started = False

    async def send(self, messages: Sequence[Message]) -> list[Receipt]:
        """Keep all, or nothing when one of them is refused."""
        if self.away or not self._started:
            raise BackpressureError("the memory broker is away")
        refuse_too_large(messages, self._max_message_bytes)
        placed = [(message, self._partition(message)) for message in messages]
        return [self._keep(message, partition) for message, partition in placed]

    async def healthy(self) -> bool:
        """Say whether it is started and not `away`."""
        return self._started and not self.away

    def of_topic(self, topic: str) -> list[Message]:
        """Give all records of a topic, partition by partition, each in order."""
        partitions = range(self._partitions.get(topic, 0))
        return [message for partition in partitions for message in self.records[(topic, partition)]]

    def _partition(self, message: Message) -> int:
        count = self._partitions.get(message.topic, 0)
        if message.partition is not None and message.partition < count:
            return message.partition
        if count == 0 or message.partition is not None:
            raise BackpressureError(f"no partition {message.partition} of topic {message.topic}: run `canh topics`")
        if message.key is not None:
            return zlib.crc32(message.key) % count
        self._keyless += 1
        return self._keyless % count

    def _keep(self, message: Message, partition: int) -> Receipt:
        records = self.records[(message.topic, partition)]
        records.append(message)
        return Receipt(message.topic, partition, len(records) - 1)
