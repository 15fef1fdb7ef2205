"""Tells whether a pipeline has caught up: reads the broker's ends and the database, nothing of the workers."""

from __future__ import annotations

import psycopg

from deploy.topics import end_offsets
from streams.pipeline import steps


def caught_up(kafka: str, dsn: str) -> bool:
    """Tell whether every hop has made durable all that its topics hold, and the outbox is empty."""
    ends = end_offsets(kafka)
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("SELECT hop, topic, partition, next_offset FROM stream_offset").fetchall()
        waiting = connection.execute("SELECT EXISTS (SELECT FROM outbox)").fetchone()
    stored = {(hop, topic, partition): offset for hop, topic, partition, offset in rows}
    behind = any(
        stored.get((step.hop, topic, partition), 0) < end
        for step in steps()
        for (topic, partition), end in ends.items()
        if topic == step.reads.name
    )
    return not behind and waiting == (False,)
