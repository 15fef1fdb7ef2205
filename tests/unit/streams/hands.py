"""What the tests of single hops share: raw records, a world with one source, a clock that stands still."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from aiokafka.structs import ConsumerRecord

from schemas.events import Source
from schemas.store.memory import MemoryStore
from schemas.topics import OBSERVATIONS, RAW_BULK, SOURCE_HEADER
from streams.world import Atlas

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
SOURCE = Source(id="s", kind="sensor", format="native", cadence_s=600.0)
NAMED: tuple[tuple[str, bytes | None], ...] = ((SOURCE_HEADER, b"s"),)


def clock() -> datetime:
    """Give the tests' time."""
    return NOW


def record(
    offset: int,
    value: bytes | None,
    *,
    topic: str = RAW_BULK.name,
    headers: Sequence[tuple[str, bytes | None]] = NAMED,
    at: datetime = NOW,
) -> ConsumerRecord:
    """Give a record as the consumer would."""
    return ConsumerRecord(
        topic=topic, partition=0, offset=offset, timestamp=int(at.timestamp() * 1000), timestamp_type=0, key=None,
        value=value, checksum=None, serialized_key_size=-1, serialized_value_size=0, headers=tuple(headers),
    )  # fmt: skip


def reading(minute: int, value: float = 1.0, device: str = "d") -> bytes:
    """Give a raw reading so many minutes before NOW."""
    at = NOW - timedelta(minutes=minute)
    return msgspec.json.encode(
        {"device": device, "metric": "rain", "value": value, "unit": "mm", "observed_at": at.isoformat()}
    )


def canonical(offset: int, value: bytes) -> ConsumerRecord:
    """Give a record of the canonical topic."""
    return record(offset, value, topic=OBSERVATIONS.name, headers=())


async def world() -> tuple[MemoryStore, Atlas]:
    """Give a store with the source, and its world."""
    store = MemoryStore()
    await store.put_sources([SOURCE])
    atlas = Atlas(store, clock)
    await atlas.load()
    return store, atlas
