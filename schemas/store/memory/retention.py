"""Forgets what is kept no longer, in memory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.events import DeadLetter, Observation, PriorityEvent
from schemas.store.keep import Keep
from schemas.store.memory.tables import Rooted


class Retention(Rooted):
    """The role that forgets."""

    async def retain(self, keep: Keep) -> int:
        """Forget what came longer ago than it is kept; give the rows dropped."""
        tables, now = self.tables, datetime.now(UTC)
        seen = _before(now, keep.observations)
        happened = _before(now, keep.events)
        sent, waiting = _before(now, keep.resolved_letters), _before(now, keep.open_letters)
        return (
            _forget(tables.observation, {key for key, row in tables.observation.items() if _came(row) < seen})
            + _forget(tables.event, {id_ for id_, event in tables.event.items() if _came(event) < happened})
            + _forget(tables.dead_letter, {
                id_ for id_, (letter, last) in tables.dead_letter.items() if _is_past(letter, last, sent, waiting)
            })
        )  # fmt: skip


def _before(now: datetime, days: int | None) -> datetime:
    return datetime.min.replace(tzinfo=UTC) if days is None else now - timedelta(days)


def _came(row: Observation | PriorityEvent) -> datetime:
    return max(row.observed_at, row.received_at)


def _is_past(letter: DeadLetter, last: datetime, sent: datetime, waiting: datetime) -> bool:
    return last < waiting if letter.resolved_at is None else letter.resolved_at < sent


def _forget(table: dict[Any, Any], keys: set[Any]) -> int:
    for key in keys:
        del table[key]
    return len(keys)
