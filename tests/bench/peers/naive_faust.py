"""Peer: Faust as its tutorial shows it, event by event: JSON, a look into the index, INSERT."""

# Faust has no types
# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

import os
from typing import Any

import faust
import psycopg

from tests.bench.peers import work

app = faust.App(
    "naive-faust", broker=f"kafka://{work.BOOTSTRAP}", store="memory://", web_enabled=False, topic_allow_declare=False,
    topic_disable_leader=True, datadir=os.environ["PEER_HOME"], consumer_auto_offset_reset="earliest",
)  # fmt: skip
topic = app.topic(work.TOPIC, value_serializer="json", key_serializer="raw")
zones, meter = work.Zones(), work.Meter()


@app.agent(topic)
async def store(stream: Any) -> None:
    """Write every event by itself."""
    connection = await psycopg.AsyncConnection.connect(work.DSN, autocommit=True)
    async for reading in stream:
        meter.begin()
        row = zones.place(work.checked(reading))
        await connection.execute(work.INSERT, row.values())
        meter.add(1)


if __name__ == "__main__":
    app.main()
