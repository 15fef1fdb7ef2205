"""What people and programs ask, in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta

from schemas.events import FeedEntry, Incident, Observation, PriorityEvent, Signal, SignalLink, Status
from schemas.store.abstract import IncidentQuery, Page, Scope, SeriesPoint
from schemas.store.content import DAY_ORIGIN
from schemas.store.counts import ENDED, IncidentCounts, counted
from schemas.store.filters import matches, read_cursor, visible, write_cursor
from schemas.store.memory.tables import Rooted


class Read(Rooted):
    """The role `ReadStore`."""

    async def incidents(self, query: IncidentQuery, limit: int, cursor: str | None = None) -> Page:
        """Give a page of incidents, newest update first."""
        before = read_cursor(cursor) if cursor else None
        found = [i for i, folded in self.tables.incident.values() if matches(query, i, folded)]
        found.sort(key=_place, reverse=True)
        found = [i for i in found if before is None or _place(i) < before]
        more = len(found) > limit > 0
        return Page(found[:limit], write_cursor(found[limit - 1]) if more else None, await self.feed_head())

    async def incident_counts(self, query: IncidentQuery) -> IncidentCounts:
        """Count the open incidents among those that a query lets through."""
        found = [
            i for i, folded in self.tables.incident.values() if matches(query, i, folded) and i.status not in ENDED
        ]
        return counted((i.severity, 1, int(i.status is Status.NEW)) for i in found)

    async def incident(self, incident_id: str, scope: Scope = Scope()) -> Incident | None:  # noqa: B008 -- frozen
        """Give one incident, None when it does not exist or may not be seen."""
        incident, _ = self.tables.incident.get(incident_id, (None, ""))
        return incident if incident is not None and visible(scope, incident) else None

    async def incidents_by_id(self, ids: Sequence[str]) -> list[Incident]:
        """Give incidents as they stand now, by id."""
        return [self.tables.incident[id_][0] for id_ in sorted(set(ids)) if id_ in self.tables.incident]

    async def timeline(self, incident_id: str) -> list[FeedEntry]:
        """Give all changes of an incident in feed order."""
        return [e for _, e in sorted(self.tables.incident_change.items()) if e.incident.id == incident_id]

    async def evidence(self, incident_id: str) -> list[tuple[SignalLink, Signal]]:
        """Give the signals of an incident with why they belong to it, oldest first."""
        found = [
            (why, self.tables.signal[signal])
            for (incident, signal), why in self.tables.incident_signal.items()
            if incident == incident_id and signal in self.tables.signal
        ]
        return sorted(found, key=lambda pair: (pair[1].observed_at, pair[1].id))

    async def is_evidence(self, device: str, scope: Scope) -> bool:
        """Tell whether a device gave a signal of an incident that a reader may see."""
        told = {id_ for id_, signal in self.tables.signal.items() if signal.device == device}
        homes = [incident for incident, signal in self.tables.incident_signal if signal in told]
        return any([await self.incident(id_, scope) is not None for id_ in homes])

    async def feed_head(self) -> int:
        """Give the newest feed id (0: empty)."""
        return len(self.tables.incident_change)

    async def feed_tail(self) -> int:
        """Give the oldest feed id that can still be read (head + 1 when none)."""
        return 1

    async def feed(self, after: int, limit: int) -> list[FeedEntry]:
        """Give feed entries with id > after, in order."""
        last = min(len(self.tables.incident_change), after + limit)
        return [self.tables.incident_change[id_] for id_ in range(max(after, 0) + 1, last + 1)]

    def feed_changes(self) -> AsyncIterator[int]:
        """Give the head at once, and a new head soon after each commit that moved the feed."""
        return self._numbers(lambda: len(self.tables.incident_change))

    def registry_changes(self) -> AsyncIterator[int]:
        """Give the registry's version at once, and again when it has risen."""
        return self._numbers(lambda: self.tables.registry_version)

    async def _numbers(self, number: Callable[[], int]) -> AsyncIterator[int]:
        last: int | None = None
        while True:
            bell = self._bell
            if number() != last:
                last = number()
                yield last
            else:
                await bell.wait()

    async def series(self, device: str, metric: str, start: datetime, end: datetime, step_s: int) -> list[SeriesPoint]:
        """Give a chart's points in [start, end): raw when step_s is 0, else rolled up; empty steps are left out."""
        rows = [
            row
            for (_, row) in sorted(self.tables.observation.items())
            if (row.device, row.metric) == (device, metric) and start <= row.observed_at < end
        ]
        bins: dict[datetime, list[Observation]] = {}
        for row in rows:
            bins.setdefault(_bin(row.observed_at, step_s), []).append(row)
        return [_point(at, [row.value for row in held]) for at, held in bins.items()]

    async def event(self, event_id: str) -> PriorityEvent | None:
        """Give one stored event of the priority lane."""
        return self.tables.event.get(event_id)


def _place(incident: Incident) -> tuple[datetime, str]:
    return incident.updated_at, incident.id


def _bin(at: datetime, step_s: int) -> datetime:
    if step_s == 0:
        return at
    step = timedelta(seconds=step_s)
    return DAY_ORIGIN + (at - DAY_ORIGIN) // step * step


def _point(at: datetime, values: list[float]) -> SeriesPoint:
    return SeriesPoint(at, sum(values) / len(values), min(values), max(values), len(values))
