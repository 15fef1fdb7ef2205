"""Holds what all records share: how they are frozen, and the envelope of an event that came in."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum

import msgspec

#: Namespace of every identity that we derive (RFC 9562 version 5): same words in, same id out, on any machine.
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:canh")


def derive_id(*words: str) -> str:
    """Give the UUIDv5 of some words; the separator cannot occur in them unseen (it is escaped by length)."""
    return str(uuid.uuid5(NAMESPACE, "\x1f".join(f"{len(word)}:{word}" for word in words)))


class Lane(StrEnum):
    """The two roads through the system: a flood of telemetry never delays an alarm."""

    BULK = "bulk"  # observations
    PRIORITY = "priority"  # detections, reports, alerts, positions, cases


class Mark(StrEnum):
    """What is odd about an event that is kept all the same; shown to people, readable by rules."""

    FUTURE = "future"  # observed more than 5 min after it was received: the sender's clock is wrong
    LATE = "late"  # older than the lateness bound: stored, but rules have passed that time
    OUT_OF_RANGE = "out_of_range"  # outside the metric's plausible range
    UNKNOWN_METRIC = "unknown_metric"  # not in schemas/metrics.py: kept with the sender's unit
    NO_PLACE = "no_place"  # neither the event nor its device has a position
    OUTSIDE = "outside"  # has a place, but in no commune that we know
    BOUNDARY_AMBIGUOUS = "boundary_ambiguous"  # on a shared edge: given to the lowest code
    SIMULATED = "simulated"  # made by the simulator


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Base of every record: frozen, keyword-only.

    A reader passes over fields that it does not know: while processes are renewed one by one, an older one reads what
    a newer one wrote. The edge (streams/sources) refuses unknown fields of senders, `Written` those of people.
    """


class Written(Record, frozen=True, forbid_unknown_fields=True):
    """Base of what a person writes in a file: an unknown field is a slip of the pen, and refused."""


class Event(Record, frozen=True, kw_only=True):
    """The envelope of what came in from a source.

    `id` is the event's own identity (see `derive_id`), `source` the registered feed, `observed_at` when it
    happened, `received_at` when the broker took it; both aware UTC. `lon`, `lat` in degrees, WGS 84, None when
    unknown. `commune` is the code of the commune-level unit, `zone_ids` all zones that hold the place, sorted.
    """

    id: str
    source: str
    observed_at: datetime
    received_at: datetime
    lon: float | None = None
    lat: float | None = None
    commune: str | None = None
    zone_ids: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()


class Text(Record, frozen=True):
    """A text that a person reads on a screen, in both languages."""

    vi: str
    en: str
