"""What people and programs ask the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from schemas.codec import decode_signal
from schemas.events import (
    Alert,
    Case,
    Detection,
    FeedEntry,
    Incident,
    IncidentChange,
    Position,
    PriorityEvent,
    Report,
    Signal,
    SignalLink,
)
from schemas.sql import query as named_query
from schemas.store.abstract import IncidentQuery, Page, Scope, SeriesPoint
from schemas.store.content import DAY_ORIGIN
from schemas.store.counts import ENDED, IncidentCounts, counted
from schemas.store.filters import read_cursor, write_cursor
from schemas.store.timescale.pool import Pooled
from schemas.store.timescale.statements import Row, fetch, run
from schemas.store.timescale.work import askable
from schemas.text import fold

_incident = msgspec.json.Decoder(Incident)
_change = msgspec.json.Decoder(IncidentChange)
_event = msgspec.json.Decoder(Detection | Report | Alert | Position | Case)
#: Continuous aggregates (full edition) or plain views, by their step in seconds.
ROLLUPS = {60: "observation_1m", 3600: "observation_1h", 86_400: "observation_1d"}
#: Below this span the observations themselves are as quick, and they know of data that came very late.
ROLLUP_SPAN = timedelta(days=1)


class Read(Pooled):
    """The role `ReadStore`, without the live part."""

    async def _ask(self, name: str, asked: dict[str, Any] | None = None) -> list[Row]:
        return await self.rows(name, askable(asked or {}))

    async def incidents(self, query: IncidentQuery, limit: int, cursor: str | None = None) -> Page:
        """Give a page of incidents, newest update first."""
        given = _query_filters(query) | (_cursor_filter(cursor) if cursor else {})
        text, parameters = _filtered("incidents", given)
        async with self.transaction() as connection:
            # The head first: what changes in between is in the list and comes again on the feed, never neither.
            ((head,),) = await run(connection, "feed_head")
            rows = await fetch(connection, text, {**parameters, "limit": limit + 1})
        items = [_incident.decode(body) for (body,) in rows[:limit]]
        return Page(items, write_cursor(items[-1]) if len(rows) > limit and items else None, head)

    async def incident_counts(self, query: IncidentQuery) -> IncidentCounts:
        """Count the open incidents among those that a query lets through."""
        text, parameters = _filtered("incident_counts", _query_filters(query))
        async with self.transaction() as connection:
            return counted(await fetch(connection, text, {**parameters, "ended": list(ENDED)}))

    async def incident(self, incident_id: str, scope: Scope = Scope()) -> Incident | None:  # noqa: B008 -- frozen
        """Give one incident, None when it does not exist or may not be seen."""
        text, parameters = _filtered("incidents", _scope_filters(scope) | {"only_id": {"id": incident_id}})
        async with self.transaction() as connection:
            rows = await fetch(connection, text, {**parameters, "limit": 1})
        return _incident.decode(rows[0][0]) if rows else None

    async def incidents_by_id(self, ids: Sequence[str]) -> list[Incident]:
        """Give incidents as they stand now, by id."""
        return [_incident.decode(body) for (body,) in await self._ask("incidents_by_id", {"ids": list(ids)})]

    async def timeline(self, incident_id: str) -> list[FeedEntry]:
        """Give all changes of an incident in feed order."""
        return [_entry(row) for row in await self._ask("timeline", {"incident": incident_id})]

    async def evidence(self, incident_id: str) -> list[tuple[SignalLink, Signal]]:
        """Give the signals of an incident with why they belong to it, oldest first."""
        names = SignalLink.__struct_fields__
        rows = await self._ask("evidence", {"incident": incident_id})
        return [(SignalLink(**dict(zip(names, row[:-1], strict=True))), decode_signal(row[-1])) for row in rows]

    async def is_evidence(self, device: str, scope: Scope) -> bool:
        """Tell whether a device gave a signal of an incident that a reader may see."""
        text, parameters = _filtered("is_evidence", _scope_filters(scope))
        async with self.transaction() as connection:
            return bool(await fetch(connection, text, askable({**parameters, "device": device})))

    async def feed_head(self) -> int:
        """Give the newest feed id (0: empty)."""
        ((head,),) = await self._ask("feed_head")
        return int(head)

    async def feed_tail(self) -> int:
        """Give the oldest feed id that can still be read (head + 1 when none)."""
        ((tail,),) = await self._ask("feed_tail")
        return int(tail)

    async def feed(self, after: int, limit: int) -> list[FeedEntry]:
        """Give feed entries with id > after, in order."""
        return [_entry(row) for row in await self._ask("feed", {"after": after, "limit": limit})]

    async def series(self, device: str, metric: str, start: datetime, end: datetime, step_s: int) -> list[SeriesPoint]:
        """Give a chart's points in [start, end): raw when step_s is 0, else rolled up; empty steps are left out."""
        asked = {"device": device, "metric": metric, "start": start, "end": end, "step_s": step_s}
        if self.edition.policies and rollup_serves(start, end, step_s):
            text = named_query("series_rolled").replace("{rollup}", ROLLUPS[step_s])
        else:
            text = named_query("series_binned" if step_s else "series_raw")
        async with self.transaction() as connection:
            return [SeriesPoint(*row) for row in await fetch(connection, text, askable(asked))]

    async def event(self, event_id: str) -> PriorityEvent | None:
        """Give one stored event of the priority lane."""
        rows = await self._ask("event", {"id": event_id})
        return _event.decode(rows[0][0]) if rows else None


def rollup_serves(start: datetime, end: datetime, step_s: int) -> bool:
    """Tell whether a rollup gives the same points: its step is known, and both ends lie on its steps."""
    if step_s not in ROLLUPS or end - start < ROLLUP_SPAN:
        return False
    step = timedelta(seconds=step_s)
    return not (start - DAY_ORIGIN) % step and not (end - DAY_ORIGIN) % step


Filters = dict[str, dict[str, Any]]


def _query_filters(query: IncidentQuery) -> Filters:
    """Give the pieces of SQL that a query needs, with their parameters."""
    sets = {"communes": query.communes, "kinds": query.kinds, "statuses": query.statuses, "agencies": query.agencies}
    filters: Filters = {f"only_{name}": {name: list(values)} for name, values in sets.items() if values}
    if query.bbox is not None:
        filters["only_bbox"] = dict(zip(("west", "south", "east", "north"), query.bbox, strict=True))
    if query.severity_min > 1:
        filters["only_severity"] = {"severity_min": query.severity_min}
    if query.since is not None:
        filters["only_since"] = {"since": query.since}
    if query.until is not None:
        filters["only_until"] = {"until": query.until}
    return filters | _text_filters(query.text) | _scope_filters(query.scope)


def _text_filters(text: str) -> Filters:
    """Give one filter for each word: each can use the trigram index."""
    words = fold(text).split()
    escaped = (word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for word in words)
    return {f"folded LIKE %(word{i})s": {f"word{i}": f"%{word}%"} for i, word in enumerate(escaped)}


def _scope_filters(scope: Scope) -> Filters:
    filters: Filters = {}
    if scope.agencies is not None:
        filters["only_scope_agencies"] = {"scope_agencies": list(scope.agencies)}
    if scope.communes is not None:
        filters["only_scope_communes"] = {"scope_communes": list(scope.communes)}
    return filters


def _cursor_filter(cursor: str) -> Filters:
    at, incident_id = read_cursor(cursor)
    return {"only_cursor": {"cursor_at": at, "cursor_id": incident_id}}


def _filtered(name: str, filters: Filters) -> tuple[str, dict[str, Any]]:
    pieces = [named_query(name) if name.startswith("only_") else name for name in filters]
    parameters = {name: value for given in filters.values() for name, value in given.items()}
    return named_query(name).replace("{filters}", " AND ".join(pieces) or "true"), askable(parameters)


def _entry(row: Row) -> FeedEntry:
    feed_id, recorded_at, change, incident = row
    return FeedEntry(
        feed_id=feed_id, recorded_at=recorded_at, change=_change.decode(change), incident=_incident.decode(incident)
    )
