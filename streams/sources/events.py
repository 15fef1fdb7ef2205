"""Edge rules of the priority lane: builds detections, reports, alerts, positions and cases from drafts."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from schemas.errors import PoisonMessageError
from schemas.events import Alert, Case, Detection, Mark, Position, PriorityEvent, Report, Source, derive_id
from schemas.events.dead_letter import Reason
from streams.sources.abstract import Draft, RawRecord
from streams.sources.checks import instant, name, number, tidy
from streams.sources.known import Place

_RECORDS: dict[str, type[PriorityEvent]] = {
    "detection": Detection,
    "report": Report,
    "alert": Alert,
    "position": Position,
    "case": Case,
}
_TIMES = frozenset({"ended_at", "expires_at", "due_at"})
_NAMES = frozenset(
    {"device", "label", "track", "area", "unit", "case_no", "kind", "category", "channel", "status", "agency"}
)
_MAY_BE_EMPTY = frozenset({"category", "channel", "agency"})
# What the record says of its numbers (schemas/events); beyond them a number is no measurement but a mistake.
_RANGES: dict[str, tuple[float, float]] = {
    "confidence": (0, 1),
    "count": (0, 1_000_000_000),
    "severity": (1, 5),
    "accuracy_m": (0, 40_000_000),
    "speed_mps": (0, 1000),
    "heading_deg": (0, 360),
    "battery_pct": (0, 100),
}
#: What the edge adds: no part of what the sender said.
_NOT_SAID = frozenset({"id", "source", "received_at", "marks", "commune", "zone_ids", "lon", "lat"})
_QUOTED = re.compile(r"`\$?\.?([^`]*)`")


def build_event(
    draft: Draft,
    record: RawRecord,
    observed_at: datetime,
    where: Place,
    *,
    marks: list[str],
    default_place: Callable[[Source, str | None], Place],
) -> PriorityEvent:
    """Give the event of a draft; raises PoisonMessageError naming the field that cannot be."""
    fields = {field: _clean(field, value) for field, value in draft.fields.items() if value is not None}
    if where is None and draft.kind == "position":
        raise PoisonMessageError(Reason.BAD_POSITION, "a position has lon and lat", field="lon")
    event = _typed(draft.kind, fields, record, observed_at)
    event_id = _identity(draft, record.source, event, where)
    where = where or default_place(record.source, fields.get("device"))
    lon, lat = (None, None) if where is None else where
    marks = marks if where else [*marks, Mark.NO_PLACE.value]
    return msgspec.structs.replace(event, id=event_id, lon=lon, lat=lat, marks=tuple(sorted(set(marks))))


def _typed(kind: str, fields: dict[str, Any], record: RawRecord, observed_at: datetime) -> PriorityEvent:
    envelope = {"id": "", "source": record.source.id, "observed_at": observed_at, "received_at": record.received_at}
    try:
        return msgspec.convert(fields | envelope, _RECORDS[kind])
    except msgspec.ValidationError as error:
        found = _QUOTED.findall(str(error))
        raise PoisonMessageError(Reason.BAD_SHAPE, str(error), field=found[-1] if found else "") from error


def _clean(field: str, value: Any) -> Any:
    if field in _TIMES:
        return instant(value, field)
    if field in _RANGES:
        return _in_range(field, value)
    if field in _NAMES and not (value == "" and field in _MAY_BE_EMPTY):
        word = name(value, field)
        return re.sub(r"[\s\-]+", "_", word).lower() if field == "label" else word
    return tidy(value, field)


def _in_range(field: str, value: object) -> object:
    low, high = _RANGES[field]
    if not low <= number(value, field) <= high:
        raise PoisonMessageError(Reason.BAD_NUMBER, f"{field} is {value}: it goes from {low} to {high}", field=field)
    return value


def _identity(draft: Draft, source: Source, event: PriorityEvent, where: Place) -> str:
    """Take the sender's own id, else a digest of what was said; never topic, partition, offset or arrival (G2).

    Fields that were not said (None) do not count: one that a record gets later must not change the ids of old events.
    """
    if draft.event_id is not None:
        return derive_id(source.id, name(draft.event_id, "id"))
    fields = msgspec.structs.asdict(event).items()
    said = {field: value for field, value in fields if field not in _NOT_SAID and value is not None}
    content = msgspec.json.encode([draft.kind, said, where], order="sorted")
    return derive_id(source.id, hashlib.sha256(content).hexdigest())
