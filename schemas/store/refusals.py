"""What every store promises of the dead letters, for those who look after them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from schemas.events import DeadLetter


class RefusalStore(Protocol):
    """What was refused, until it is sent again or forgotten."""

    async def dead_letters(
        self,
        *,
        source: str | None = None,
        reason: str | None = None,
        unresolved: bool = True,
        limit: int = 100,
        raw: bool = True,
    ) -> list[DeadLetter]:
        """Give refusals, newest first; without `raw` their bytes stay where they are, and are empty here."""

    async def dead_letter(self, prefix: str) -> DeadLetter | None:
        """Give the newest refusal whose id begins so."""

    async def waiting_dead_letters(
        self,
        *,
        until: datetime,
        source: str | None = None,
        reason: str | None = None,
        without: Sequence[str] = (),
        after: DeadLetter | None = None,
        limit: int,
    ) -> list[DeadLetter]:
        """Give a page of the unresolved refusals that came until then, in the order in which they came.

        `without` are reasons to leave out, `after` is the last one of the page before.
        """

    async def resolve_dead_letters(self, ids: Sequence[str], at: datetime) -> int:
        """Mark refusals as sent again; they stay for the record.

        Take `at` before sending: a refusal that was received again after `at` stays open. Gives how many were marked.
        """

    async def refusals(self) -> dict[str, int]:
        """Give the number of unresolved refusals by reason."""
