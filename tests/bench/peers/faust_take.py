"""Peer: Faust with `take`: up to 1,000 events at a time, written with executemany."""

# Faust has no types
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

import os
from typing import Any

import faust
import psycopg

from tests.bench.peers import work

app = faust.App(
    "faust-take", broker=f"kafka://{work.BOOTSTRAP}", store="memory://", web_enabled=False, topic_allow_declare=False,
    topic_disable_leader=True, datadir=os.environ["PEER_HOME"], consumer_auto_offset_reset="earliest",
)  # fmt: skip
topic = app.topic(work.TOPIC, value_serializer="json", key_serializer="raw")
zones, meter = work.Zones(), work.Meter()


@app.agent(topic)
async def store(stream: Any) -> None:
    """Write up to 1,000 events in one transaction."""
    connection = await psycopg.AsyncConnection.connect(work.DSN)
    meter.begin()
    async for readings in stream.take(1000, within=0.1):
        rows = zones.place_all([work.checked(reading) for reading in readings])
        async with connection.cursor() as cursor:
            await cursor.executemany(work.INSERT, [row.values() for row in rows])
        await connection.commit()
        meter.add(len(rows))


if __name__ == "__main__":
    app.main()
