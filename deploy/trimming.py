"""Keeps the embedded broker small: deletes, every few seconds, the records that every hop has made durable."""

from __future__ import annotations

import asyncio
import logging

from aiokafka.errors import KafkaError

from deploy.topics import trim
from schemas.errors import BackpressureError
from schemas.store.abstract import Offset, StreamStore
from streams.app import stamps
from streams.pipeline import steps
from streams.watermark import Place

logger = logging.getLogger(__name__)

EVERY_S = 5.0
#: Records kept below the first unread one: for `canh tap`, and so that a worker can check the log (see streams/app.py).
KEEP = 500


async def keep_trimmed(bootstrap: str, store: StreamStore) -> None:
    """Trim for ever; a broker or store that is away is asked again."""
    done: dict[Place, int] = {}
    while True:
        await asyncio.sleep(EVERY_S)
        try:
            await trim_once(bootstrap, store, done)
        except (BackpressureError, KafkaError, TimeoutError) as error:
            logger.warning("trimming.waits: %r", error)
            done.clear()


async def trim_once(bootstrap: str, store: StreamStore, done: dict[Place, int]) -> None:
    """Trim what has become durable since `done`, which is brought up to date."""
    wanted = {place: offset for place, offset in (await durable(store)).items() if offset.stamp_ms is not None}
    fresh = {place: o for place, o in wanted.items() if abs(o.next_offset - done.get(place, 0)) > KEEP}
    found = await stamps(bootstrap, {place: offset.next_offset - 1 for place, offset in fresh.items()})
    # A broker that lost records may have others at these offsets by now, which nobody has read: never trim those.
    same = {place: offset.next_offset for place, offset in fresh.items() if found[place] == offset.stamp_ms}
    before = {(place.topic, place.partition): offset - KEEP for place, offset in same.items() if offset > KEEP}
    if before:
        await asyncio.to_thread(trim, bootstrap, before)
    done |= same


async def durable(store: StreamStore) -> dict[Place, Offset]:
    """Give, for each partition, how far the hop has come that is furthest behind; none where one has not begun."""
    lowest: dict[Place, Offset] = {}
    behind: set[Place] = set()
    for step in steps():
        stored = {offset.partition: offset for offset in await store.offsets(step.hop, step.reads.name)}
        for partition in range(step.reads.partitions):
            place = Place(step.reads.name, partition)
            offset = stored.get(partition)
            if offset is None:
                behind.add(place)
            elif place not in lowest or offset.next_offset < lowest[place].next_offset:
                lowest[place] = offset
    return {place: offset for place, offset in lowest.items() if place not in behind}
