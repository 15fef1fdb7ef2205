"""Makes aiokafka's consumers give lean records: the bulk path makes 50,000 and more of them a second.

aiokafka's own are dataclasses of eleven fields, each of them work for the garbage collector.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import msgspec
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException

from schemas.errors import SettingsError


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
    next_fetch_offset: int

    def __iter__(self) -> Iterator[LeanRecord]:
        found: Iterator[LeanRecord] = self._records_iterator  # without a call of ours in between for each record
        return found

    def _unpack_records(self) -> Iterator[LeanRecord]:
        """Give the records of what was fetched as aiokafka does, where nobody reads transactions: in one loop."""
        if self._isolation_level != fetcher.READ_UNCOMMITTED:
            raise SettingsError("lean records are for consumers that read uncommitted records, too")
        (topic, partition), records = self._tp, self._records
        said: list[tuple[str, bytes]] = []
        headers: tuple[tuple[str, bytes], ...] = ()
        while records.has_next():
            batch = records.next_batch()
            if self._check_crcs and not batch.validate_crc():
                raise CorruptRecordException(f"Invalid CRC - {self._tp}")
            for record in batch if not batch.is_control_batch else ():
                offset = record.offset
                if offset < self.next_fetch_offset:  # the batch began before what was asked for
                    continue
                if record.headers != said:  # neighbours share one object: less memory, and who reads them sees it
                    said = record.headers
                    headers = tuple(said)
                self.next_fetch_offset = offset + 1
                yield LeanRecord(topic, partition, offset, record.timestamp, record.key, record.value, headers)
            self.next_fetch_offset = batch.next_offset  # compaction may have removed its last records


def use_lean_records() -> None:
    """Let every consumer of this process that is made from now on give lean records; aiokafka has no setting for it."""
    fetcher.PartitionRecords = _LeanRecords
