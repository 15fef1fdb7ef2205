"""Tells how far a pipeline is behind: reads the broker's ends and the database, nothing of the workers."""

from __future__ import annotations

import psycopg

from deploy.topics import bounds
from streams.pipeline import steps


def end_offsets(kafka: str) -> dict[tuple[str, int], int]:
    """Give the next offset to be written of every partition of our topics that exists."""
    return {place: end for place, (_, end) in bounds(kafka).items()}


def left(kafka: str, dsn: str) -> int:
    """Give how many records hops have not made durable yet, those of the outbox included; 0: all is done."""
    ends = end_offsets(kafka)
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("SELECT hop, topic, partition, next_offset FROM stream_offset").fetchall()
        ((waiting,),) = connection.execute("SELECT count(*) FROM outbox").fetchall()
    stored = {(hop, topic, partition): offset for hop, topic, partition, offset in rows}
    behind: int = sum(
        max(end - stored.get((step.hop, topic, partition), 0), 0)
        for step in steps()
        for (topic, partition), end in ends.items()
        if topic == step.reads.name
    )
    return int(waiting) + behind
