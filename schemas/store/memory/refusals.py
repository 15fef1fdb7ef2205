"""The dead letters in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from schemas.events import DeadLetter
from schemas.store.letters import gathered, order_of
from schemas.store.memory.tables import Rooted
from schemas.store.newest import Newest


class Refusals(Rooted):
    """The role `RefusalStore`, and how a commit writes refusals."""

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
        found = [
            letter if raw else msgspec.structs.replace(letter, raw=b"")
            for letter, _ in self.tables.dead_letter.values()
            if _wanted(letter, source, reason) and not (unresolved and letter.resolved_at is not None)
        ]
        return sorted(found, key=_age, reverse=True)[:limit]

    async def dead_letter(self, prefix: str) -> DeadLetter | None:
        """Give the newest refusal whose id begins so."""
        found = (letter for id_, (letter, _) in self.tables.dead_letter.items() if id_.startswith(prefix))
        return max(found, key=_age, default=None)

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
        found = [
            letter
            for letter, last in self.tables.dead_letter.values()
            if _wanted(letter, source, reason)
            and letter.reason not in without
            and letter.resolved_at is None
            and last <= until
            and (after is None or order_of(letter) > order_of(after))
        ]
        return sorted(found, key=order_of)[:limit]

    async def resolve_dead_letters(self, ids: Sequence[str], at: datetime) -> int:
        """Mark refusals as sent again; those that came again after `at` stay open."""
        count = 0
        for id_ in set(ids) & set(self.tables.dead_letter):
            letter, last = self.tables.dead_letter[id_]
            if letter.resolved_at is None and last <= at:
                self.tables.dead_letter[id_] = (msgspec.structs.replace(letter, resolved_at=at), last)
                count += 1
        return count

    async def refusals(self) -> dict[str, int]:
        """Give the number of unresolved refusals by reason."""
        counts: dict[str, int] = {}
        for letter, _ in self.tables.dead_letter.values():
            if letter.resolved_at is None:
                counts[letter.reason] = counts.get(letter.reason, 0) + 1
        return counts

    def _letters(self, letters: Iterable[DeadLetter], newest: Newest) -> None:
        for told in gathered(letters):
            stands, last = self.tables.dead_letter.get(told.letter.id, (None, told.times[0]))
            more = told.later_than(last)
            if stands is None:
                newest.add_refusals([told.letter])
                stands = told.letter
            if more:
                stands = msgspec.structs.replace(stands, attempts=stands.attempts + more, resolved_at=None)
            self.tables.dead_letter[told.letter.id] = (stands, max(last, told.times[-1]))


def _wanted(letter: DeadLetter, source: str | None, reason: str | None) -> bool:
    return source in {None, letter.source} and reason in {None, letter.reason}


def _age(letter: DeadLetter) -> tuple[datetime, str]:
    return letter.received_at, letter.id
