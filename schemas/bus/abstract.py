"""What a publisher promises: when `send` returns, the broker has the record (acks=all)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from schemas.codec import Headers


@dataclass(frozen=True, slots=True)
class Message:
    """One record to send; `partition` None leaves the choice to the key, `timestamp_ms` None to the clock."""

    topic: str
    value: bytes
    key: bytes | None = None
    headers: Headers = field(default_factory=list)
    partition: int | None = None
    timestamp_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """Where the broker put a record."""

    topic: str
    partition: int
    offset: int


class Publisher(Protocol):
    """Sends records; keeps their order within a partition."""

    async def start(self) -> None:
        """Connect; raises BackpressureError when no broker answers."""

    async def stop(self) -> None:
        """Send what is waiting and disconnect."""

    async def send(self, messages: Sequence[Message]) -> list[Receipt]:
        """Send all and wait until the broker has all of them.

        Raises BackpressureError when it did not answer in time: some may have arrived, so repeat (identities make a
        repeat harmless). Raises PoisonMessageError with reason too_large for a record beyond the broker's limit.
        """

    async def healthy(self) -> bool:
        """Say whether the broker answers now."""
