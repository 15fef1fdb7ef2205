"""Says how far a hop is behind: where the partitions of its topic begin and end against what it has stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from schemas.store.abstract import Offset

#: Partition -> (first offset kept, next offset to be written).
Logs = Mapping[int, tuple[int, int]]


def logs_of(topic: str, bounds: Mapping[tuple[str, int], tuple[int, int]]) -> Logs:
    """Give the partitions of one topic of `deploy.topics.bounds`."""
    return {partition: log for (name, partition), log in bounds.items() if name == topic}


def waiting(known: Sequence[Offset], logs: Logs) -> int:
    """Give the records that are there and lie before the hop; where it has stored nothing, from the log's beginning."""
    done = _done(known)
    return sum(max(end - max(done.get(p, 0), begin), 0) for p, (begin, end) in logs.items())


def deleted(known: Sequence[Offset], logs: Logs) -> int:
    """Give the records that were deleted before the hop had read them."""
    done = _done(known)
    return sum(max(begin - done[p], 0) for p, (begin, _) in logs.items() if p in done)


def _done(known: Sequence[Offset]) -> dict[int, int]:
    return {offset.partition: offset.next_offset for offset in known}
