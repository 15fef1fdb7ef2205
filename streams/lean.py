"""Makes aiokafka's consumers give lean records: the bulk path makes 50,000 and more of them a second.

aiokafka's own are dataclasses of eleven fields, each of them work for the garbage collector.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import msgspec
from aiokafka.consumer import fetcher


class LeanRecord(msgspec.Struct, gc=False):
    """A record as it was fetched; `timestamp` in milliseconds since 1970. Named as in aiokafka's ConsumerRecord."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]

    # What Faust copies into its message and nobody reads.
    timestamp_type: ClassVar[int] = 0
    checksum: ClassVar[None] = None
    serialized_key_size: ClassVar[int] = 0
    serialized_value_size: ClassVar[int] = 0


class _LeanRecords(fetcher.PartitionRecords):  # type: ignore[misc]  # aiokafka has no types here
    _headers: tuple[tuple[str, bytes], ...] = ()

    def __iter__(self) -> Iterator[LeanRecord]:
        found: Iterator[LeanRecord] = self._records_iterator  # without a call of ours in between for each record
        return found

    def _consumer_record(self, tp: Any, record: Any) -> LeanRecord:
        headers = tuple(record.headers)
        if headers == self._headers:
            headers = self._headers  # neighbours share one object: less memory, and who reads them sees it at once
        else:
            self._headers = headers
        return LeanRecord(tp.topic, tp.partition, record.offset, record.timestamp, record.key, record.value, headers)


def use_lean_records() -> None:
    """Let every consumer of this process that is made from now on give lean records; aiokafka has no setting for it."""
    fetcher.PartitionRecords = _LeanRecords
