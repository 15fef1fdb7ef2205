"""The tables of the store in memory, and what makes a commit all or nothing there."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from schemas.errors import PoisonMessageError
from schemas.events import (
    Agency,
    DeadLetter,
    Device,
    FeedEntry,
    Incident,
    Observation,
    PriorityEvent,
    Reason,
    Signal,
    SignalLink,
    Source,
    Unit,
    Zone,
)
from schemas.store.abstract import Commit, Offset, RuleState
from schemas.store.content import ObservationKey
from schemas.store.newest import Freshness
from schemas.store.outbox import OutboxItem
from schemas.store.security import Account, ApiKey, AuditEntry, Session

#: When a unit was where: time, lon, lat.
Fix = tuple[datetime, float, float]


@dataclass(slots=True)
class Tables:
    """All content, by identity; names as in schema.sql."""

    observation: dict[ObservationKey, Observation] = field(default_factory=dict)
    event: dict[str, PriorityEvent] = field(default_factory=dict)
    device_metric: dict[tuple[str, str], tuple[datetime, float | None]] = field(default_factory=dict)
    unit_position: dict[str, Fix] = field(default_factory=dict)
    dead_letter: dict[str, tuple[DeadLetter, datetime]] = field(default_factory=dict)
    stream_offset: dict[tuple[str, str, int], Offset] = field(default_factory=dict)
    rule_state: dict[tuple[str, int, str, str], RuleState] = field(default_factory=dict)
    signal: dict[str, Signal] = field(default_factory=dict)
    outbox: dict[int, OutboxItem] = field(default_factory=dict)
    incident: dict[str, tuple[Incident, str]] = field(default_factory=dict)
    incident_change: dict[int, FeedEntry] = field(default_factory=dict)
    incident_signal: dict[tuple[str, str], SignalLink] = field(default_factory=dict)
    source: dict[str, Source] = field(default_factory=dict)
    source_count: dict[str, Freshness] = field(default_factory=dict)
    device: dict[str, Device] = field(default_factory=dict)
    zone: dict[tuple[str, Any], Zone] = field(default_factory=dict)
    agency: dict[str, Agency] = field(default_factory=dict)
    unit: dict[str, Unit] = field(default_factory=dict)
    registry_version: int = 0
    account: dict[str, Account] = field(default_factory=dict)
    session: dict[bytes, Session] = field(default_factory=dict)
    api_key: dict[str, ApiKey] = field(default_factory=dict)
    audit: dict[int, tuple[AuditEntry, bytes, bytes]] = field(default_factory=dict)

    def digests(self) -> dict[str, str]:
        """Give an order-free digest of every table."""
        return {name: _digest(getattr(self, name)) for name in self.__slots__}


class Rooted:
    """The base of every role: the tables, and the bell that wakes readers of the feed."""

    def __init__(self) -> None:
        self.tables = Tables()
        self._outbox_id = 0
        self._bell = asyncio.Event()
        self._relaying = asyncio.Lock()

    def _fix(self, unit: str, fix: Fix) -> None:
        """Keep a unit's newest fix."""
        last = self.tables.unit_position.get(unit)
        if last is None or last[0] < fix[0]:
            self.tables.unit_position[unit] = fix

    def _ring(self) -> None:
        """Wake everybody who waits now."""
        bell, self._bell = self._bell, asyncio.Event()
        bell.set()


def now() -> datetime:
    """Give the wall clock, as the database's `now()` does."""
    return datetime.now(UTC)


def refuse_unstorable(commit: Commit) -> None:
    """Refuse what PostgreSQL would: U+0000 and lone surrogates in texts; raises PoisonMessageError."""
    rows = commit.observations.rows() if commit.observations is not None else ()
    for part in (*rows, *commit.events, *commit.signals, *commit.incidents):
        for text in _texts(msgspec.to_builtins(part)):
            if "\x00" in text or not _encodable(text):
                raise PoisonMessageError(Reason.REFUSED_BY_STORE, f"text that cannot be stored: {text[:50]!r}")


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _texts(name)
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _digest(table: object) -> str:
    rows = sorted(repr(item) for item in table.items()) if isinstance(table, dict) else [repr(table)]
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()
