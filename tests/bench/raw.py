"""Puts raw records on the broker as record batches built beforehand, and tells when the worker is done with them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import psycopg
from aiokafka import AIOKafkaProducer
from kafka import KafkaConsumer, TopicPartition

from schemas.topics import OBSERVATIONS, RAW_BULK
from tests.bench.stage import Stage
from tests.bench.workload import HEADERS, Raw

#: Bytes of one prebuilt record batch: as a busy producer makes them.
BATCH_BYTES = 128 * 1024
#: Longest that a run may take.
TIMEOUT_S = 300.0
Done = TypeVar("Done", bool, float)
_STORED = "SELECT hop || ' ' || topic, sum(next_offset)::bigint FROM stream_offset GROUP BY 1"


def producer_of(made: Stage) -> AIOKafkaProducer:
    """Give a producer that is not started yet."""
    return AIOKafkaProducer(
        bootstrap_servers=made.broker.bootstrap,
        acks="all",
        max_batch_size=BATCH_BYTES,
        max_request_size=4 * BATCH_BYTES,
    )


def fill(made: Stage, records: Iterable[Raw], held: AbstractContextManager[None] | None = None) -> None:
    """Put records on the bulk lane's raw topic; returns when the broker has them all.

    `held` is entered only while they are sent, not while they are built.
    """

    async def go() -> None:
        producer = producer_of(made)
        await producer.start()
        built = batches(producer, records)
        try:
            with held or nullcontext():
                await asyncio.gather(*[await send(producer, batch) for batch in built])
        finally:
            await producer.stop()

    asyncio.run(go())


async def send(producer: AIOKafkaProducer, batch: tuple[int, Any]) -> Any:
    """Hand a built batch over; gives what to await for the broker's word."""
    partition, built = batch
    return await producer.send_batch(built, RAW_BULK.name, partition=partition)


def batches(producer: AIOKafkaProducer, records: Iterable[Raw]) -> list[tuple[int, Any]]:
    """Build record batches, each for a partition, in the order of their first records."""
    stamp = int(time.time() * 1000)
    done: list[tuple[int, Any]] = []
    open_: dict[int, Any] = {}
    for record in records:
        given = {"timestamp": stamp, "key": record.key, "value": record.value, "headers": HEADERS}
        batch = open_.get(record.partition)
        if batch is None or batch.append(**given) is None:
            batch = open_[record.partition] = producer.create_batch()
            batch.append(**given)
            done.append((record.partition, batch))
    for _, batch in done:
        batch.close()
    return done


class Progress:
    """Looks how far the workers are: what is stored by the database's word, what the rules have seen by the traces."""

    def __init__(self, made: Stage) -> None:
        self._made = made
        self._connection = psycopg.connect(made.dsn, autocommit=True)
        self._consumer = KafkaConsumer(bootstrap_servers=made.broker.bootstrap, group_id=None)

    def close(self) -> None:
        """Give the connections back."""
        self._consumer.close()
        self._connection.close()

    def normalized(self) -> int:
        """Give how many raw records are durably behind the first hop."""
        return self._stored().get(f"normalize {RAW_BULK.name}", 0)

    def wait_finished(self, records: int) -> float:
        """Wait until all is done, the only place that decides so: rows committed, and `evaluate` has read all of them.

        Gives when (CLOCK_MONOTONIC); raises TimeoutError. `evaluate` may hold what it has read back for a while (rules
        with `settle`), so its stored offset says nothing here.
        """
        deadline = time.monotonic() + TIMEOUT_S
        self._wait(lambda: self.normalized() >= records, deadline)
        end = self._canonical()  # it grows no more; a broker that is asked all the time works for the bench
        return self._wait(lambda: self._finished(end), deadline)

    def _wait(self, done: Callable[[], Done], deadline: float) -> Done:
        while not (found := done()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"not done within {TIMEOUT_S:.0f} s: {self._stored()}")
            time.sleep(0.02)
        return found

    def _finished(self, end: int) -> float:
        """Give when all of so many canonical messages were stored and read, 0 when they are not yet."""
        stored, now = self._stored(), time.monotonic()
        if stored.get(f"store {OBSERVATIONS.name}", 0) < end:
            return 0.0
        read: dict[int, int] = {}
        for trace in self._made.traces():
            for partition, offset in trace.reached("evaluate", OBSERVATIONS.name).items():
                read[partition] = max(offset, read.get(partition, 0))
        if sum(read.values()) < end:
            return 0.0
        return min(now, max(trace.last(OBSERVATIONS.name) for trace in self._made.traces()))

    def _stored(self) -> dict[str, int]:
        return dict(self._connection.execute(_STORED).fetchall())

    def _canonical(self) -> int:
        partitions: Sequence[int] = sorted(self._consumer.partitions_for_topic(OBSERVATIONS.name) or ())
        places = [TopicPartition(OBSERVATIONS.name, partition) for partition in partitions]
        return sum(self._consumer.end_offsets(places).values())
