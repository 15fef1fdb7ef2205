"""Knows how far a hop has come in a partition: what is stored, what it has only in memory, and what to do again."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace

from aiokafka.structs import ConsumerRecord


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a hop has come.

    All that records below `stored` changed is in the store; records below `read` are in the hop's memory, too.
    `tail` holds the records between both, and the one before them, in order: when memory is lost (`forgot`), they are
    worked again.
    """

    stored: int
    read: int
    tail: Sequence[ConsumerRecord] = ()
    forgot: bool = False

    @property
    def stamp_ms(self) -> int | None:
        """The broker's time of the last record that is stored; None when it was not read by us."""
        return self.tail[0].timestamp if self.tail and self.tail[0].offset < self.stored else None

    def beyond(self, part: Sequence[ConsumerRecord], kept: int | None) -> Reach:
        """Give the reach after a part was worked; records from offset `kept` on are still needed (None: none)."""
        tail = [*self.tail, *part]
        read = tail[-1].offset + 1 if part else self.read
        done = len(tail) if kept is None else bisect_left(tail, kept, key=_offset)
        if done == 0:
            return replace(self, read=read, tail=tail)
        # What follows the record before, not `kept` itself: offsets may have gaps, and that record can be checked.
        return replace(self, stored=max(self.stored, tail[done - 1].offset + 1), read=read, tail=tail[done - 1 :])

    def lost(self, stored: int) -> Reach:
        """Give the reach after the hop's memory was lost, or after somebody else has stored more."""
        if stored > self.read:
            return Reach(stored, stored)
        stored = max(stored, self.stored)
        return Reach(stored, self.read, self.tail[self._before(stored) :], forgot=True)

    def rewound(self) -> Reach:
        """Give the reach of a hop that knows only what is stored and is to be given all else anew."""
        return Reach(self.stored, self.stored, [record for record in self.tail if record.offset < self.stored])

    def again(self) -> Sequence[ConsumerRecord]:
        """Give the records that memory lacks."""
        return [record for record in self.tail if record.offset >= self.stored] if self.forgot else []

    def _before(self, stored: int) -> int:
        return max(bisect_left(self.tail, stored, key=_offset) - 1, 0)


def _offset(record: ConsumerRecord) -> int:
    return int(record.offset)
