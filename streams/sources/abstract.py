"""What an adapter does: read one raw message of one wire format, give drafts of events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

import msgspec

from schemas.errors import PoisonMessageError
from schemas.events import Source

Kind = Literal["observation", "detection", "report", "alert", "position", "case"]


class RawRecord(msgspec.Struct, frozen=True, gc=False):
    """A message as it lies in a raw topic; `source` is the registered one, `received_at` the broker's timestamp.

    Made for every record of the bulk path, hence no dataclass (five times the cost) and no place in garbage collection.
    """

    source: Source
    value: bytes
    headers: Mapping[str, bytes]
    received_at: datetime
    topic: str
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Draft:
    """An event as the sender wrote it, before the edge rules.

    `fields` are the fields of the record of that kind in the sender's values (`unit` beside `value` for an
    observation, UCUM or a word of the source's unit map). `at` is RFC 3339 text, an aware datetime, or seconds since
    the epoch; `after_reception_s` instead of `at` counts from the time of reception (negative: before; SenML).
    `event_id` is the sender's own id, unique for what happened and when, or None: then the content is. `lon`, `lat`
    are in the reference system `srid` (EPSG code; None: the source's), easting and northing for VN-2000.
    """

    kind: Kind
    at: str | float | datetime | None
    fields: dict[str, Any]
    event_id: str | None = None
    lon: float | None = None
    lat: float | None = None
    srid: int | None = None
    marks: tuple[str, ...] = field(default=())
    after_reception_s: float | None = None


class Adapter(Protocol):
    """Reads one wire format. Pure: the same bytes give the same drafts."""

    #: Name in the registry (`Source.format`).
    format: str
    #: One line for people: which standard, which messages.
    title: str

    def read(self, raw: bytes, source: Source, headers: Mapping[str, bytes]) -> Iterator[Draft | PoisonMessageError]:
        """Give the drafts in a message; raises PoisonMessageError when the message as a whole cannot be read.

        A message with one bad item of many yields the good ones: a bad item is yielded as a Draft whose defect the
        edge rules will name, or as the PoisonMessageError itself, never skipped in silence. Each yield is one item.
        """
