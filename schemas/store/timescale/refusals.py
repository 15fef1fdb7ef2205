"""The dead letters in the database, for those who look after them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from schemas.events import DeadLetter
from schemas.store.letters import order_of
from schemas.store.timescale.pool import Pooled
from schemas.store.timescale.statements import Row
from schemas.store.timescale.work import askable

_headers = msgspec.json.Decoder(dict[str, str])
_LETTER = (
    "id", "source", "reason", "field", "message", "topic", "partition", "offset", "received_at", "headers", "item",
    "attempts", "resolved_at", "raw",
)  # fmt: skip
#: Before every refusal; partition and offset are -1 at the door.
_BEGINNING = (datetime.min.replace(tzinfo=UTC), -2, -2, "")


class Refusals(Pooled):
    """The role `RefusalStore`."""

    async def dead_letters(
        self,
        *,
        source: str | None = None,
        reason: str | None = None,
        unresolved: bool = True,
        limit: int = 100,
        raw: bool = True,
    ) -> list[DeadLetter]:
        """Give refusals, newest first."""
        asked = {"source": source, "reason": reason, "unresolved": unresolved, "limit": limit, "raw": raw}
        return await self._letters("dead_letters", asked)

    async def dead_letter(self, prefix: str) -> DeadLetter | None:
        """Give the newest refusal whose id begins so."""
        return next(iter(await self._letters("dead_letter", {"prefix": prefix})), None)

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
        """Give a page of the unresolved refusals that came until then, in the order in which they came."""
        place = zip(("at", "partition", "offset", "id"), order_of(after) if after else _BEGINNING, strict=True)
        asked = {"source": source, "reason": reason, "until": until, "without": list(without), "limit": limit}
        return await self._letters("waiting_dead_letters", asked | dict(place))

    async def resolve_dead_letters(self, ids: Sequence[str], at: datetime) -> int:
        """Mark refusals as sent again; those that came again after `at` stay open."""
        return len(await self.rows("resolve_dead_letters", askable({"ids": list(ids), "at": at})))

    async def refusals(self) -> dict[str, int]:
        """Give the number of unresolved refusals by reason."""
        return dict(await self.rows("refusals"))

    async def _letters(self, name: str, asked: dict[str, Any]) -> list[DeadLetter]:
        return [_letter(row) for row in await self.rows(name, askable(asked))]


def _letter(row: Row) -> DeadLetter:
    given = dict(zip(_LETTER, row, strict=True))
    return DeadLetter(**{**given, "headers": _headers.decode(given["headers"])})
