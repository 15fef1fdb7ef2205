"""The bus on Kafka: sends records with acks=all and tells a broker that is away from a record that is bad.

Not an idempotent producer, on purpose: in aiokafka that one never gives a batch up, so an outage would hold callers
and memory without bound. A repeat may double a record here; identities make that harmless (guarantee G2). Order
within a partition holds all the same: aiokafka has one request in flight per partition.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError

from schemas.bus.abstract import Message, Receipt
from schemas.bus.limits import MAX_MESSAGE_BYTES, refuse_too_large
from schemas.errors import BackpressureError, PoisonMessageError
from schemas.events.dead_letter import Reason

REQUEST_TIMEOUT_S = 15.0
#: Records gather while a request is in flight; a wait before the first would delay an alarm at every topic.
LINGER_MS = 0
BATCH_BYTES = 256 * 1024
HEALTH_TIMEOUT_S = 3.0


class KafkaPublisher:
    """Sends to the brokers of `bootstrap` ("host:port,host:port")."""

    def __init__(
        self,
        bootstrap: str,
        *,
        request_timeout_s: float = REQUEST_TIMEOUT_S,
        max_message_bytes: int = MAX_MESSAGE_BYTES,
    ) -> None:
        self._bootstrap = bootstrap
        self._request_timeout_s = request_timeout_s
        self._max_message_bytes = max_message_bytes
        self._producer: Any = None  # AIOKafkaProducer, a class without types

    async def start(self) -> None:
        """Connect; raises BackpressureError when no broker answers, and may be called again then."""
        if self._producer is not None:
            return
        producer = self._new_producer()
        try:
            async with asyncio.timeout(self._request_timeout_s):
                await producer.start()
        except (KafkaError, TimeoutError, OSError) as error:
            raise BackpressureError(f"no broker answers at {self._bootstrap}: {error!r}") from error
        else:
            self._producer, producer = producer, None
        finally:
            if producer is not None:
                await producer.stop()

    async def stop(self) -> None:
        """Send what is waiting (no longer than its time-out) and disconnect."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()

    async def send(self, messages: Sequence[Message]) -> list[Receipt]:
        """Send all and wait until the broker has all of them; see `schemas.bus.abstract.Publisher.send`.

        Nothing is sent when a record is too large by our own limit.
        """
        refuse_too_large(messages, self._max_message_bytes)
        try:
            # A batch waits for its time-out, and a request in flight once more.
            async with asyncio.timeout(2 * self._request_timeout_s):
                return await self._send(messages)
        except TimeoutError as error:
            raise BackpressureError(f"{self._bootstrap} did not take {len(messages)} records in time") from error

    async def healthy(self) -> bool:
        """Say whether a broker answers a metadata request within 3 s."""
        if self._producer is None:
            return False
        try:
            async with asyncio.timeout(HEALTH_TIMEOUT_S):
                await self._producer.client.fetch_all_metadata()
        except (KafkaError, TimeoutError, OSError):
            return False
        return True

    def _new_producer(self) -> Any:
        return AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            client_id="canh",
            acks="all",
            linger_ms=LINGER_MS,
            max_batch_size=BATCH_BYTES,
            # Checked by refuse_too_large, with a message that tells which record.
            max_request_size=2 * self._max_message_bytes,
            request_timeout_ms=int(self._request_timeout_s * 1000),
        )

    async def _send(self, messages: Sequence[Message]) -> list[Receipt]:
        futures = []
        failure: BaseException | None = None
        for message in messages:
            try:
                futures.append(await self._enqueue(message))
            except (KafkaError, OSError, BackpressureError) as error:
                failure = error
                break
        # All that were handed over are waited for, also after a failure: none may end unseen.
        results: list[Any] = await asyncio.gather(*futures, return_exceptions=True)
        failures = [result for result in results if isinstance(result, BaseException)]
        if failures or failure is not None:
            raise _mapped(failure or failures[0])
        return [Receipt(result.topic, result.partition, result.offset) for result in results]

    async def _enqueue(self, message: Message) -> Any:
        producer = self._producer
        if producer is None:
            raise BackpressureError("the publisher is not connected: start it first")
        if message.partition is not None and message.partition not in await producer.partitions_for(message.topic):
            raise BackpressureError(f"no partition {message.partition} of topic {message.topic}: run `canh topics`")
        return await producer.send(
            message.topic,
            value=message.value,
            key=message.key,
            partition=message.partition,
            timestamp_ms=message.timestamp_ms,
            headers=message.headers,
        )


def _mapped(error: BaseException) -> BaseException:
    """Give our name for what went wrong; what is no answer of a broker stays itself."""
    if isinstance(error, MessageSizeTooLargeError | RecordListTooLargeError):
        failure: Exception = PoisonMessageError(Reason.TOO_LARGE, f"the broker refuses the record: {error!r}")
    elif isinstance(error, KafkaError | OSError):
        failure = BackpressureError(f"the broker did not take the records: {error!r}")
    else:
        return error
    failure.__cause__ = error
    return failure
