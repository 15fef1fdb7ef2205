"""What could not be used, why, and everything needed to try again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

import msgspec

from schemas.events.base import Record

#: How the names of headers begin that say which event a message is.
TELLING_HEADERS = ("ce_", "mqtt_topic")


class Reason(StrEnum):
    """Stable codes of refusal; each has one line in docs/reference/interoperability.md."""

    BAD_ENCODING = "bad_encoding"  # not UTF-8, not gzip as declared
    BAD_JSON = "bad_json"
    BAD_XML = "bad_xml"
    BAD_SHAPE = "bad_shape"  # well-formed, but a field is missing, unknown or of the wrong type
    BAD_TIME = "bad_time"  # no time, naive time, or not a time
    BAD_POSITION = "bad_position"  # outside lon [-180, 180], lat [-90, 90], or not finite
    BAD_NUMBER = "bad_number"  # NaN, infinite, or not a number
    BAD_UNIT = "bad_unit"  # unit unknown, or of another dimension than the metric
    TOO_LARGE = "too_large"  # size, depth or key-count limit
    UNKNOWN_SOURCE = "unknown_source"
    UNSUPPORTED = "unsupported"  # understood, but nothing in it is an event for us
    ADAPTER_FAILED = "adapter_failed"  # reading it broke: a bug of ours, its traceback is in the log
    ID_CONFLICT = "id_conflict"  # same identity, other content; the first one stands
    REFUSED_BY_STORE = "refused_by_store"  # the database refused this row (found by bisection)


class DeadLetter(Record, frozen=True):
    """One refused message with its raw bytes.

    Identity is the digest of source, reason, item, the headers that tell which event it is and raw bytes, so a replay
    adds nothing. topic, partition and offset say where it was first read. `headers` are the record's headers as text,
    `item` the place inside a packed message.
    """

    id: str
    source: str
    reason: str
    field: str
    message: str
    topic: str
    partition: int
    offset: int
    received_at: datetime
    raw: bytes
    headers: dict[str, str] = {}
    item: int = 0
    attempts: int = 0
    resolved_at: datetime | None = None

    @staticmethod
    def identity(
        source: str, reason: str, raw: bytes, item: int = 0, headers: Mapping[str, str] = MappingProxyType({})
    ) -> str:
        """Give the identity of a refusal (SHA-256 over its parts, shortened to 128 bits).

        Bytes alone do not tell events apart: in CloudEvents' binary mode id and time are headers, with MQTT the device
        may be in the topic.
        """
        telling = sorted((name, text) for name, text in headers.items() if name.startswith(TELLING_HEADERS))
        words = msgspec.json.encode((source, reason, item, telling))
        return hashlib.sha256(words + b"\n" + raw).hexdigest()[:32]
