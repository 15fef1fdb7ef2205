"""Bench `storage`: bytes of one event in Kafka (raw and canonical) and in the database."""

from __future__ import annotations

import asyncio
import zlib
from io import BytesIO

import polars as pl
import psycopg
from kafka import KafkaConsumer, TopicPartition

from schemas.topics import OBSERVATIONS
from tests.bench.measure import Figure, Result
from tests.bench.pipeline import drive, register
from tests.bench.raw import batches, producer_of
from tests.bench.stage import Stage, stage
from tests.bench.workload import EVENTS, Raw, arrays, readings, singles

_SIZES = """
SELECT pg_relation_size(c.oid), pg_indexes_size(c.oid)
FROM pg_class c WHERE c.relname = 'observation' AND c.relkind = 'r'
"""
_CHUNKS = """
SELECT sum(pg_relation_size(c.oid)), sum(pg_indexes_size(c.oid))
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'observation'::regclass
"""
_ROWS = "SELECT observed_at, device, metric, value, received_at FROM observation ORDER BY device, metric, observed_at"


def bench(runs: int, *, quick: bool) -> Result:
    """Run the workload once; `runs` changes nothing, sizes do not vary."""
    del runs
    events = EVENTS // 4 if quick else EVENTS
    work = list(readings(events))
    with stage() as made:
        asyncio.run(register(made))
        records = list(singles(work))
        drive(made, records)
        canonical, (table, indexes), columns = _canonical(made), _table(made), _columnar(made)
        packed = [raw for raw, _ in arrays(readings(2 * events, 1_000), 100)][: events // 100]
        single, array = (asyncio.run(_batch_bytes(made, each)) for each in (records, packed))
    sizes = {
        "Kafka, raw, single readings": single / events,
        "Kafka, raw, single readings, gzip": _packed_bytes(records) / events,
        "Kafka, raw, arrays of 100": array / events,
        "Kafka, canonical batches": canonical / events,
        "database, table": table / events,
        "database, indexes": indexes / events,
        "columns sorted by device and time, Parquet with zstd": columns / events,
    }
    figures = [Figure(name, "bytes per event", [size]) for name, size in sizes.items()]
    note = "one copy, no replication; Parquet is a stand-in for TimescaleDB's columnstore, whose layout is alike"
    return Result("storage", figures, [f"{events:,} readings; {note}"])


async def _batch_bytes(made: Stage, records: list[Raw]) -> int:
    """Give the bytes of the record batches as they lie in the log."""
    producer = producer_of(made)
    await producer.start()
    try:
        return sum(batch.size() for _, batch in batches(producer, records))
    finally:
        await producer.stop()


def _packed_bytes(records: list[Raw]) -> int:
    """Give the bytes of the values when a sender compresses its batches (gzip, 500 records each)."""
    parts = (records[start : start + 500] for start in range(0, len(records), 500))
    return sum(len(zlib.compress(b"".join(record.value for record in part))) for part in parts)


def _canonical(made: Stage) -> int:
    consumer = KafkaConsumer(bootstrap_servers=made.broker.bootstrap, group_id=None, auto_offset_reset="earliest")
    places = [TopicPartition(OBSERVATIONS.name, partition) for partition in range(OBSERVATIONS.partitions)]
    consumer.assign(places)
    size, ends = 0, consumer.end_offsets(places)
    while any(consumer.position(place) < end for place, end in ends.items()):
        for records in consumer.poll(1000).values():
            size += sum(
                len(record.value or b"") + sum(len(k) + len(v) for k, v in record.headers) for record in records
            )
    consumer.close()
    return size


def _table(made: Stage) -> tuple[int, int]:
    """Give the bytes of the table and of its indexes; of a hypertable those of its chunks."""
    with psycopg.connect(made.dsn) as connection:
        own, chunks = (connection.execute(text).fetchone() or (0, 0) for text in (_SIZES, _CHUNKS))
    return int(own[0] + (chunks[0] or 0)), int(own[1] + (chunks[1] or 0))


def _columnar(made: Stage) -> int:
    with psycopg.connect(made.dsn) as connection:
        rows = connection.execute(_ROWS).fetchall()
    frame, file = pl.DataFrame(rows, orient="row"), BytesIO()
    frame.write_parquet(file, compression="zstd")
    return len(file.getvalue())
