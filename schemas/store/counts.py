"""Counts what waits for people: the open incidents by severity, and those that nobody has acknowledged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from schemas.events import Status

#: The states of an incident that waits for nobody; every other one is open.
ENDED = frozenset({Status.RESOLVED, Status.CLOSED})
SEVERITIES = range(1, 6)


@dataclass(frozen=True, slots=True)
class IncidentCounts:
    """How many incidents are open, how many of them are new, and how many of each severity (1 to 5, all named)."""

    open: int
    unacknowledged: int
    by_severity: Mapping[int, int]


def counted(rows: Iterable[tuple[int, int, int]]) -> IncidentCounts:
    """Add up rows of a severity, its open incidents, and how many of these are new."""
    given = list(rows)
    totals = dict.fromkeys(SEVERITIES, 0)
    for severity, count, _ in given:
        totals[severity] += count
    return IncidentCounts(sum(totals.values()), sum(new for _, _, new in given), totals)
