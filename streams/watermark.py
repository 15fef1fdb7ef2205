"""Knows, for every partition, the first offset that is not finished: the only thing that may be committed.

Pure bookkeeping without I/O: the transport tells what was read, the hops tell what is durably done.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Place:
    """A partition of a topic."""

    topic: str
    partition: int


@dataclass(slots=True, eq=False)
class Ticket:
    """Stands for one run of records that was handed over: offsets `first` to `last`, both included.

    `waiting` are the hops that have not finished it, `size` is about its bytes. `epoch` tells an old assignment's
    ticket from a new one's. `restarted` says that the log began anew here: the broker has lost records, stored offsets
    mean nothing.
    """

    place: Place
    epoch: int
    first: int
    last: int
    waiting: set[str] = field(default_factory=set)
    restarted: bool = False
    size: int = 0


@dataclass(slots=True)
class _Progress:
    epoch: int
    since: int  # the epoch in which it was taken over
    floor: int  # everything below is finished
    open: deque[Ticket] = field(default_factory=deque)
    stored: dict[str, int] = field(default_factory=dict)  # by hop: what it would read again after a crash
    in_hand: int = 0  # bytes of what is open


class Watermark:
    """Keeps committed <= first unfinished, whatever order hops finish in and however often partitions move."""

    def __init__(self) -> None:
        self._epoch = 0
        self._progress: dict[Place, _Progress] = {}

    def assign(self, place: Place, position: int) -> None:
        """Begin (again) at a position; tickets of an earlier assignment count no more."""
        self._begin(place, position, self._epoch + 1)

    def revoke(self, place: Place) -> None:
        """Forget a partition that another worker has now."""
        self._progress.pop(place, None)

    def read(self, place: Place, first: int, last: int, hops: frozenset[str], size: int = 0) -> Ticket | None:
        """Note that records were read; None when the partition is not ours (the records must not be handed over).

        Records below the position mean that the log went back under us: what was read is read again from there.
        """
        position = self.position(place)
        if position is None:
            return None
        if first < position:
            self._begin(place, first, self._progress[place].since)
        progress = self._progress[place]
        ticket = Ticket(place, progress.epoch, first, last, set(hops), restarted=first < position, size=size)
        progress.open.append(ticket)
        progress.in_hand += size
        return ticket

    def current(self, ticket: Ticket) -> bool:
        """Tell whether a run may still be worked: not if the partition was taken over since, or taken away.

        Such a run is read again, if it is there at all. One of a log that went back under us is not, so it counts.
        """
        progress = self._progress.get(ticket.place)
        return progress is not None and progress.since <= ticket.epoch

    def finish(self, ticket: Ticket, hop: str) -> None:
        """Note that a hop has made a run durable; finishing twice, or for an old assignment, changes nothing."""
        ticket.waiting.discard(hop)
        progress = self._progress.get(ticket.place)
        if progress is None or progress.epoch != ticket.epoch:
            return
        while progress.open and not progress.open[0].waiting:
            done = progress.open.popleft()
            progress.floor = max(progress.floor, done.last + 1)
            progress.in_hand -= done.size

    def keep(self, place: Place, hop: str, stored: int) -> None:
        """Note the offset that a hop has stored: it may have read further and still need records from there on."""
        progress = self._progress.get(place)
        if progress is not None:
            progress.stored[hop] = stored

    def finished(self, place: Place) -> int | None:
        """Give the offset below which every hop has read all and waits for nothing; None: not our partition."""
        progress = self._progress.get(place)
        return None if progress is None else progress.floor

    def committable(self, place: Place) -> int | None:
        """Give the offset that may be committed: all below it is durable; None when the partition is not ours."""
        progress = self._progress.get(place)
        return None if progress is None else min([progress.floor, *progress.stored.values()])

    def position(self, place: Place) -> int | None:
        """Give the next offset that should be read; None when the partition is not ours."""
        progress = self._progress.get(place)
        if progress is None:
            return None
        return progress.open[-1].last + 1 if progress.open else progress.floor

    def places(self) -> list[Place]:
        """Give the partitions that are ours."""
        return list(self._progress)

    def unfinished(self) -> int:
        """Give how many runs are handed over and not finished."""
        return sum(len(progress.open) for progress in self._progress.values())

    def in_hand(self) -> dict[Place, int]:
        """Give the bytes that are handed over and not finished, by partition; may be asked from another thread."""
        return {place: progress.in_hand for place, progress in list(self._progress.items())}

    def _begin(self, place: Place, position: int, since: int) -> None:
        self._epoch += 1
        self._progress[place] = _Progress(self._epoch, since, position)
