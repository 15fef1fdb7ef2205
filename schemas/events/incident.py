"""The thing that people work on, and each change of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from schemas.events.base import Record, Text


class Status(StrEnum):
    """Where an incident stands; the full life cycle with side exits grows from here."""

    NEW = "new"  # mới
    ACKNOWLEDGED = "acknowledged"  # tiếp nhận
    ASSIGNED = "assigned"  # phân công
    RESOLVED = "resolved"  # đã xử lý
    CLOSED = "closed"  # đóng


class Change(StrEnum):
    """What happened to an incident in one step of its timeline."""

    OPENED = "opened"
    SIGNAL = "signal"  # a signal joined
    ESCALATED = "escalated"  # severity rose
    CLEARED = "cleared"  # no rule holds any more; people still close it
    RECURRED = "recurred"  # it was cleared and came back
    ACKNOWLEDGED = "acknowledged"
    ASSIGNED = "assigned"
    COMMENTED = "commented"
    RESOLVED = "resolved"
    CLOSED = "closed"


class Reading(Record, frozen=True):
    """A measured value that a signal told of: `value` in the unit of `metric`, `at` in event time."""

    device: str
    metric: str
    value: float
    threshold: float | None
    at: datetime


class Incident(Record, frozen=True, tag="incident.v1", tag_field="type"):
    """One incident as it stands.

    `version` rises by one with every change and is what a command must expect. `severity` 1 to 5 never falls by
    itself. `last_signal_at` is the newest evidence in event time; `cleared_at` is set while no rule holds it.
    `agency` is the competent or assigned agency, `assignee` the person or team. `latest` is the newest reading among
    the evidence, `gravest` the one furthest beyond its threshold at the highest severity; a title tells neither.
    """

    id: str
    kind: str
    title: Text
    severity: int
    status: Status
    opened_at: datetime
    updated_at: datetime
    last_signal_at: datetime
    version: int
    lon: float | None = None
    lat: float | None = None
    commune: str | None = None
    zone: str | None = None
    agency: str | None = None
    assignee: str | None = None
    cleared_at: datetime | None = None
    signal_count: int = 0
    source_count: int = 0
    latest: Reading | None = None
    gravest: Reading | None = None
    marks: tuple[str, ...] = ()


class IncidentChange(Record, frozen=True, tag="incident_change.v1", tag_field="type"):
    """One step of an incident's timeline.

    `at` is when it happened (event time for signals, wall clock for people), `actor` a user name, or `rule:<id>`.
    `detail` holds what this kind of change needs to be told (text, agency, signal id, distance_m, delay_s ...).
    """

    incident: str
    version: int
    change: Change
    at: datetime
    actor: str
    severity: int
    status: Status
    detail: dict[str, str | int | float | bool | None] = {}


class FeedEntry(Record, frozen=True, tag="feed_entry.v1", tag_field="type"):
    """One line of the feed: the change and the incident as it stood after it. `feed_id` rises in commit order."""

    feed_id: int
    recorded_at: datetime
    change: IncidentChange
    incident: Incident


class SignalLink(Record, frozen=True):
    """Why a signal belongs to an incident: evidence that a person can check."""

    incident: str
    signal: str
    episode: str
    rule: str
    rule_version: int
    linked_at: datetime
    distance_m: float | None
    delay_s: float
    reason: str


class IncidentWrite(Record, frozen=True):
    """A new state of an incident with the changes that led there, as one order to the store.

    `expected_version` is None for a new incident. One feed entry is written for each change, in order.
    """

    incident: Incident
    expected_version: int | None
    changes: tuple[IncidentChange, ...]
    links: tuple[SignalLink, ...] = ()
