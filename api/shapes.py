"""The shapes of what the API answers and takes, as records: encoded by msgspec and described in OpenAPI."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from api.context import Threshold
from api.ingest.door import ItemResult
from schemas.events import (
    Agency,
    Device,
    FeedEntry,
    Incident,
    IncidentChange,
    Signal,
    SignalLink,
    Source,
    Unit,
)


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """Base of what is answered."""


class Taken(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of what is taken: unknown fields are refused."""


class Login(Taken, frozen=True):
    """Name and password of a person."""

    name: str
    password: str


class OrderBody(Taken, frozen=True):
    """One order: the version that its giver has seen, and what the order needs."""

    expected_version: int
    text: str = ""
    agency: str | None = None
    assignee: str | None = None


class Me(Shape, frozen=True):
    """Who is logged in; `csrf` must be sent as X-CSRF-Token with every write."""

    name: str
    display_name: str
    role: str
    agency: str | None
    communes: tuple[str, ...]
    csrf: str
    language: Literal["vi", "en"]


class IncidentList(Shape, frozen=True):
    """One page of incidents, newest update first; `feed_id` is where a stream goes on from it."""

    items: list[Incident]
    next_cursor: str | None
    feed_id: int
    as_of: datetime


class OpenCounts(Shape, frozen=True):
    """How many incidents are open (neither resolved nor closed), new ones among them, and of each severity 1 to 5."""

    as_of: datetime
    open: int
    unacknowledged: int
    by_severity: dict[int, int]


class TimelineItem(Shape, frozen=True):
    """One step of an incident."""

    feed_id: int
    recorded_at: datetime
    change: IncidentChange

    @classmethod
    def of(cls, entry: FeedEntry) -> TimelineItem:
        """Take a feed entry without the incident in it."""
        return cls(feed_id=entry.feed_id, recorded_at=entry.recorded_at, change=entry.change)


class EvidenceItem(Shape, frozen=True):
    """One signal, why it belongs to the incident, and what its device is called ("" when it has no name)."""

    link: SignalLink
    signal: Signal
    device_title: str


class IncidentDetail(Shape, frozen=True):
    """One incident with everything behind it; `actions` are what this reader may do now."""

    incident: Incident
    timeline: list[TimelineItem]
    evidence: list[EvidenceItem]
    actions: list[str]
    feed_id: int
    as_of: datetime


class OrderDone(Shape, frozen=True):
    """The incident after an order, and the order's place in the feed."""

    incident: Incident
    feed_id: int


class DeviceList(Shape, frozen=True):
    """Devices with their newest values."""

    items: list[Device]
    as_of: datetime


class Series(Shape, frozen=True):
    """A device's chart.

    `points` are [milliseconds since the epoch, mean, minimum, maximum, count of measured values]; `gaps` are [from, to]
    in the same unit, where nothing, or less than half of what was due, came. `step_s` 0: as measured.
    """

    device: str
    metric: str
    unit: str
    step_s: int
    points: list[tuple[int, float, float, float, int]]
    gaps: list[tuple[int, int]]
    thresholds: list[Threshold]
    as_of: datetime


class SourceItem(Shape, frozen=True):
    """One source and how fresh it is."""

    source: Source
    last_observed_at: datetime | None
    last_received_at: datetime | None
    accepted: int
    refused: int
    state: Literal["fresh", "late", "silent", "never"]


class SourceList(Shape, frozen=True):
    """The registered sources."""

    items: list[SourceItem]
    as_of: datetime


class AgencyList(Shape, frozen=True):
    """All agencies."""

    items: list[Agency]


class UnitList(Shape, frozen=True):
    """Units with their newest positions."""

    items: list[Unit]
    as_of: datetime


class MetricItem(Shape, frozen=True):
    """One metric that Canh knows: its UCUM unit, plausible range, and names."""

    id: str
    unit: str
    low: float
    high: float
    vi: str
    en: str


class MetricList(Shape, frozen=True):
    """All metrics."""

    items: list[MetricItem]


class KindItem(Shape, frozen=True):
    """One kind of incident with its names and the console's icon."""

    id: str
    vi: str
    en: str
    icon: str


class KindList(Shape, frozen=True):
    """The taxonomy of incidents."""

    items: list[KindItem]


class HealthBody(Shape, frozen=True):
    """Whether this process can serve, and what is wrong if not."""

    ready: bool
    reasons: list[str]


class ProblemBody(Shape, frozen=True):
    """A failure (RFC 9457); some kinds have further members."""

    type: str
    title: str
    status: int
    detail: str
    field: str = ""
    fix: str = ""


class NothingTakenBody(ProblemBody, frozen=True):
    """The failure of a body of which nothing could be taken: what became of each item, as in the answer 202."""

    reason: str = ""
    accepted: int = 0
    refused: int = 0
    items: list[ItemResult] = []


class ConflictBody(Shape, frozen=True):
    """The failure of an order that came second: the incident as it is, and what changed since."""

    type: str
    title: str
    status: int
    detail: str
    incident: Incident
    expected_version: int
    actual_version: int
    changes: list[IncidentChange]
