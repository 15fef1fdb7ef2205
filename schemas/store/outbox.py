"""What waits to be sent: records written in the transaction that made them, and the turn of the one who sends them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """A record that must reach a topic, written in the transaction that made it."""

    id: int
    topic: str
    key: str
    headers: Sequence[tuple[str, bytes]]
    value: bytes


class OutboxTurn(Protocol):
    """The outbox in the hands of the one relay whose turn it is."""

    async def waiting(self, limit: int) -> list[OutboxItem]:
        """Give the oldest waiting records, in order."""

    async def done(self, ids: Sequence[int]) -> None:
        """Forget records that the broker has."""

    async def more(self, timeout_s: float) -> None:
        """Return soon after another record waits, or when the time is over (wake-up only)."""
