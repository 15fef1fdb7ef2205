"""Turns records into bytes with CloudEvents headers and back; every version and shape check of the bus is here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TypeVar

import msgspec

from schemas.errors import PoisonMessageError
from schemas.events import (
    Alert,
    Case,
    Detection,
    FeedEntry,
    Observation,
    ObservationBatch,
    Position,
    PriorityEvent,
    Report,
    Signal,
)
from schemas.events.base import Record
from schemas.events.dead_letter import Reason

R = TypeVar("R")
Headers = list[tuple[str, bytes]]

_encoder = msgspec.json.Encoder()
_canonical = msgspec.json.Decoder(Observation | Detection | Report | Alert | Position | Case)
_signal = msgspec.json.Decoder(Signal)
_feed_entry = msgspec.json.Decoder(FeedEntry)

#: Media types of what travels on the bus (IANA).
JSON, ARROW = "application/json", "application/vnd.apache.arrow.stream"
#: Prefix of our CloudEvents `type` attribute.
TYPE_PREFIX = "vn.canh."


def encode(record: Record) -> bytes:
    """Give the JSON bytes of a record (UTF-8; times in RFC 3339 with offset)."""
    return _encoder.encode(record)


def cloud_headers(kind: str, source: str, event_id: str, time: datetime, content_type: str = JSON) -> Headers:
    """Give CloudEvents 1.0 attributes as Kafka headers (binary mode of the Kafka protocol binding)."""
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", event_id.encode()),
        ("ce_source", source.encode()),
        ("ce_type", (TYPE_PREFIX + kind).encode()),
        ("ce_time", time.isoformat().encode()),
        ("content-type", content_type.encode()),
    ]


def record_kind(record: Record) -> str:
    """Give a record's tag, such as `detection.v1`."""
    return str(msgspec.structs.asdict(record).get("type") or type(record).__struct_config__.tag)


def decode_canonical(raw: bytes) -> ObservationBatch | PriorityEvent:
    """Read what normalize wrote: one event as JSON, or a batch of observations as an Arrow IPC stream.

    A single observation as JSON is what was refused of a batch and is sent again: a batch of one.
    """
    if raw[:1] != b"{":
        return ObservationBatch.from_bytes(raw)
    event = _decode(_canonical, raw)
    return ObservationBatch.of([event]) if isinstance(event, Observation) else event


def received_again(raw: bytes, at: datetime) -> bytes:
    """Give a canonical event as if it had come at `at`; what is no single event stays as it is.

    Who sends a refused event again makes it count as a new attempt so: its other times are the sender's.
    """
    try:
        event = _decode(_canonical, raw)
    except PoisonMessageError:
        return raw
    return encode(msgspec.structs.replace(event, received_at=at))


def decode_signal(raw: bytes) -> Signal:
    """Read one signal."""
    return _decode(_signal, raw)


def decode_feed_entry(raw: bytes) -> FeedEntry:
    """Read one line of the feed."""
    return _decode(_feed_entry, raw)


def header_text(headers: Mapping[str, bytes] | None, name: str) -> str:
    """Give one header as text, empty when it is not there; bad UTF-8 is shown as replacement characters."""
    if not headers:
        return ""
    return headers.get(name, b"").decode("utf-8", "replace")


def _decode(decoder: msgspec.json.Decoder[R], raw: bytes) -> R:
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise PoisonMessageError(Reason.BAD_SHAPE, str(error), field=_field_of(str(error))) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PoisonMessageError(Reason.BAD_JSON, str(error)) from error


def _field_of(message: str) -> str:
    """Take the path out of msgspec's message: "... - at `$.value`" gives "value"."""
    _, found, path = message.partition(" - at `$")
    return path.rstrip("`").lstrip(".") if found else ""
