"""Reads signals and feed entries, gives the records that must reach the bus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from schemas.codec import Headers, cloud_headers, encode, record_kind
from schemas.errors import ConflictError
from schemas.events import FeedEntry, IncidentChange, IncidentWrite, Signal
from schemas.store.abstract import Offset
from schemas.topics import INCIDENTS, SIGNALS

#: CloudEvents `source` of what we make ourselves.
SOURCE = "urn:canh"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record for the outbox that has no number yet."""

    topic: str
    key: str
    headers: Headers
    value: bytes


def of_signal(signal: Signal) -> Outgoing:
    """Give the record of a signal; its kind is the key, so one partition has all signals of a kind."""
    headers = cloud_headers(record_kind(signal), SOURCE, signal.id, signal.observed_at)
    return Outgoing(SIGNALS.name, signal.kind, headers, encode(signal))


def of_entry(entry: FeedEntry) -> Outgoing:
    """Give the record of a feed entry; the feed id makes it known again."""
    headers = cloud_headers(record_kind(entry), SOURCE, str(entry.feed_id), entry.recorded_at)
    return Outgoing(INCIDENTS.name, entry.incident.id, headers, encode(entry))


def entries(writes: list[IncidentWrite], first_id: int, recorded_at: datetime) -> list[FeedEntry]:
    """Give the changes of some writes as feed entries with ids from `first_id` on."""
    changes = [(change, write.incident) for write in writes for change in write.changes]
    return [
        FeedEntry(feed_id=first_id + i, recorded_at=recorded_at, change=change, incident=incident)
        for i, (change, incident) in enumerate(changes)
    ]


def repetition(write: IncidentWrite, version: int | None, lines: Sequence[tuple[int, IncidentChange]]) -> list[int]:
    """Give the feed ids of a write that was made before, as after a commit whose answer was lost.

    `version` is where the incident stands, `lines` its changes since. Raises ConflictError when this is no repetition.
    """
    ids = [feed_id for feed_id, change in lines if change in write.changes]
    if version is not None and write.changes and len(ids) == len(write.changes):
        return ids
    raise ConflictError(
        f"incident {write.incident.id} is at version {version}, not {write.expected_version}: read it and decide again"
    )


def overtaken(offset: Offset) -> ConflictError:
    """Give the error of a batch that somebody else has worked on already."""
    return ConflictError(
        f"hop {offset.hop} is beyond offset {offset.expected} of {offset.topic}/{offset.partition}: "
        "another worker has this partition; read the stored offset again"
    )
