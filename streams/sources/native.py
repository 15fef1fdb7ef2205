"""Reads Canh's own JSON: one event, an array or NDJSON; also one device with an array of readings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from schemas.errors import PoisonMessageError
from schemas.events import Alert, Case, Detection, Position, Report, Source
from schemas.events.base import Event
from schemas.events.dead_letter import Reason
from streams.sources.abstract import Draft, Kind
from streams.sources.documents import check_items, json_item, json_items

_ENVELOPE = frozenset({"type", "id", "observed_at", "lon", "lat", "srid"})
_READING = frozenset({"metric", "value", "unit", "observed_at"})
_FIELDS: dict[str, frozenset[str]] = {
    kind: frozenset(record.__struct_fields__) - frozenset(Event.__struct_fields__)
    for kind, record in (
        ("detection", Detection),
        ("report", Report),
        ("alert", Alert),
        ("position", Position),
        ("case", Case),
    )
} | {"observation": frozenset({"device", "metric", "value", "unit", "readings"})}


class Native:
    """Canh's own JSON, documented in docs/reference/interoperability.md; unknown fields are refused."""

    format = "native"
    title = "Canh's own JSON: one event, an array, NDJSON, or a device with readings"

    def read(
        self,
        raw: bytes,
        source: Source,  # noqa: ARG002 -- the protocol's
        headers: Mapping[str, bytes],  # noqa: ARG002 -- the protocol's
    ) -> Iterator[Draft | PoisonMessageError]:
        """Give one draft for each event; `type` is observation when it is left out."""
        count = 0
        for item in json_items(raw):
            for draft in _drafts(item):
                count += 1
                check_items(count)
                yield draft


def _drafts(item: bytes) -> Iterator[Draft | PoisonMessageError]:
    try:
        event = json_item(item)
        kind = _check(event)
    except PoisonMessageError as error:
        yield error
        return
    if "readings" in event:
        yield from _readings(event)
    else:
        yield _draft(kind, event)


def _check(event: Any) -> Kind:
    """Give the kind of an event whose names are all known."""
    if not isinstance(event, dict):
        raise PoisonMessageError(Reason.BAD_SHAPE, "an event is a JSON object")
    kind = event.get("type", "observation")
    if kind not in get_args(Kind):
        known = ", ".join(get_args(Kind))
        raise PoisonMessageError(
            Reason.BAD_SHAPE, f"type {str(kind)[:40]!r} is not known: use one of {known}", field="type"
        )
    _refuse_unknown(event, _ENVELOPE | _FIELDS[kind])
    return kind  # type: ignore[no-any-return]  # one of the literals, checked above


def _refuse_unknown(event: dict[str, Any], known: frozenset[str]) -> None:
    unknown = event.keys() - known
    if unknown:
        field = min(unknown)
        raise PoisonMessageError(Reason.BAD_SHAPE, f"field {field[:40]!r} is not known here", field=field[:200])


def _draft(kind: Kind, event: dict[str, Any]) -> Draft:
    return Draft(
        kind=kind,
        at=_text_time(event.get("observed_at")),
        fields={field: event[field] for field in event.keys() - _ENVELOPE},
        event_id=event.get("id"),
        lon=event.get("lon"),
        lat=event.get("lat"),
        srid=event.get("srid"),
    )


def _text_time(at: Any) -> Any:
    """Leave a number for the edge to refuse: whether it is seconds or milliseconds would be a guess."""
    return at if at is None or isinstance(at, str) else f"{at} (a number)"


def _readings(event: dict[str, Any]) -> Iterator[Draft | PoisonMessageError]:
    readings = event["readings"]
    if not isinstance(readings, list) or not readings:
        yield PoisonMessageError(Reason.BAD_SHAPE, "readings is a list of one or more readings", field="readings")
        return
    shared = {field: value for field, value in event.items() if field != "readings"}
    for reading in readings:
        if not isinstance(reading, dict):
            yield PoisonMessageError(Reason.BAD_SHAPE, "a reading is a JSON object", field="readings")
            continue
        try:
            _refuse_unknown(reading, _READING)
        except PoisonMessageError as error:
            yield error
            continue
        yield _draft("observation", shared | reading)
