"""Encodes one change of the feed once, for any number of clients of both transports."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import Protocol

import msgspec

from schemas.events import Change, FeedEntry, Incident

_encoder = msgspec.json.Encoder()


class Packet:
    """One message of the feed: event name, id (None: it moves no cursor) and JSON data, in both transports' bytes."""

    def __init__(self, event: str, data: object, feed_id: int | None = None) -> None:
        self.event = event
        self.feed_id = feed_id
        self.data = _encoder.encode(data)

    @cached_property
    def sse(self) -> bytes:
        """The message as Server-Sent Events text (WHATWG HTML 9.2); JSON data is always one line."""
        line = b"" if self.feed_id is None else b"id: %d\n" % self.feed_id
        return b"%sevent: %s\ndata: %s\n\n" % (line, self.event.encode(), self.data)

    @cached_property
    def text(self) -> str:
        """The message as one WebSocket text frame: {event, id?, data}."""
        middle = "" if self.feed_id is None else f',"id":"{self.feed_id}"'
        return f'{{"event":"{self.event}"{middle},"data":{self.data.decode()}}}'


class Latest:
    """An incident as it stands now, shared by all its frames: an old change is judged by it, too."""

    def __init__(self, incident: Incident) -> None:
        self.incident = incident


class Frame:
    """One change with its packets.

    `before` is the incident as it was before a hand-over, else None; `latest` how it stands now (None: as here).
    """

    def __init__(self, entry: FeedEntry, before: Incident | None = None, latest: Latest | None = None) -> None:
        self.entry = entry
        self.feed_id = entry.feed_id
        self.before = before
        self.latest = latest or Latest(entry.incident)

    @cached_property
    def full(self) -> Packet:
        """The change as it is."""
        entry = self.entry
        data = {
            "feed_id": entry.feed_id,
            "recorded_at": entry.recorded_at,
            "change": entry.change,
            "incident": entry.incident,
        }
        return Packet("change", data, entry.feed_id)

    @cached_property
    def gone(self) -> Packet:
        """What a reader gets whose list no longer holds the incident: its id and nothing else."""
        return Packet("change", gone(self.entry.feed_id, self.entry.recorded_at, self.entry.incident.id), self.feed_id)


def gone(feed_id: int, recorded_at: datetime, incident: str) -> dict[str, object]:
    """Give the data of a `gone` change."""
    return {
        "feed_id": feed_id,
        "recorded_at": recorded_at,
        "change": None,
        "incident": {"id": incident, "gone": True},
    }


class TimelineStore(Protocol):
    """The part of the store that knows an incident's past."""

    async def timeline(self, incident_id: str) -> list[FeedEntry]:
        """Give all changes of an incident in feed order."""


async def frame_of(entry: FeedEntry, store: TimelineStore, latest: Latest | None = None) -> Frame:
    """Give the frame of a feed entry; only a hand-over to another agency needs a look at what was before."""
    if entry.change.change is not Change.ASSIGNED:
        return Frame(entry, latest=latest)
    version = entry.incident.version  # entries of one order share it: the past is what has a lower one
    earlier = [past.incident for past in await store.timeline(entry.incident.id) if past.incident.version < version]
    return Frame(entry, max(earlier, key=lambda incident: incident.version, default=None), latest)
