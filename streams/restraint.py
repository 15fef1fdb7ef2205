"""Decides of which partitions no more is fetched for now: those whose hop has enough to do.

A large fetch keeps all waiting that comes after it: for each broker one is under way, and its records are unpacked in
one go. So the first rows of a flood came to the database 0.3 s late, behind the next 16 MB of raw records that nobody
could begin yet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from aiokafka.structs import ConsumerRecord

from streams.watermark import Place

#: Bytes in hand of a topic from which on a partition is not fetched again while it has a run in hand: what a fetch
#: brings of one partition at most (Faust's `consumer_max_fetch_size`), so one that is alone has its next run ready.
ENOUGH_BYTES = 4 * 1024 * 1024
_SAMPLE = 100


class Restraint:
    """Remembers which partitions are held. `in_hand` gives the bytes of each that were handed over and are not worked.

    Only of topics that one hop reads: where two do, the slower one (rows for the database) would keep the other one
    (alarms) from what it could begin.
    """

    def __init__(self, in_hand: Callable[[], Mapping[Place, int]], hops_of: Callable[[str], frozenset[str]]) -> None:
        self._in_hand = in_hand
        self._hops_of = hops_of
        self.held: frozenset[Place] = frozenset()

    def hold(self, fetched: Mapping[Place, int]) -> frozenset[Place]:
        """Take note of a fetch, with the bytes of each partition; give the partitions that are held from now on."""
        known = Counter(self._in_hand())
        known.update(fetched)
        new = frozenset(place for place in fetched if self._has_enough(place, known))
        self.held |= new
        return new

    def let_go(self) -> frozenset[Place]:
        """Give the partitions that are held no longer."""
        known = self._in_hand()
        free = frozenset(place for place in self.held if not self._has_enough(place, known))
        self.held -= free
        return free

    def _has_enough(self, place: Place, known: Mapping[Place, int]) -> bool:
        of_topic = sum(size for other, size in known.items() if other.topic == place.topic)
        return known.get(place, 0) > 0 and of_topic >= ENOUGH_BYTES and len(self._hops_of(place.topic)) == 1


def about_bytes(records: Sequence[ConsumerRecord]) -> int:
    """Give the bytes of the values of a run, by those of a hundred records: to add up all would take a millisecond."""
    sample = records[:: len(records) // _SAMPLE + 1]
    return len(records) * sum(len(record.value or b"") for record in sample) // max(len(sample), 1)
