"""Stands in for what the API is wired to: a broker, edge rules, a clock; and gives incidents to begin with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from api.ingest.check import Checked, Refusal
from schemas.bus.abstract import Message, Receipt
from schemas.errors import BackpressureError
from schemas.events import Change, Incident, IncidentChange, IncidentWrite, Source, Status, Text

BEGIN = datetime(2025, 11, 19, 7, 0, tzinfo=UTC)


@dataclass
class FakePublisher:
    """A broker that keeps what it gets, or is away."""

    sent: list[Message] = field(default_factory=list)
    away: bool = False

    async def start(self) -> None:
        """Connect."""

    async def stop(self) -> None:
        """Disconnect."""

    async def send(self, messages: Sequence[Message]) -> list[Receipt]:
        """Keep the messages."""
        if self.away:
            raise BackpressureError("broker.internal:9092 is away")
        self.sent += messages
        return [Receipt(message.topic, 0, i) for i, message in enumerate(messages)]

    async def healthy(self) -> bool:
        """Say whether it is there."""
        return not self.away


def refuse_bad(
    source: Source, records: Sequence[bytes], headers: Mapping[str, bytes], received_at: datetime
) -> Sequence[Checked]:
    """Accept everything but the word bad."""
    bad = Checked(refusals=[Refusal(0, "bad_json", message="no")])
    return [bad if b"bad" in raw else Checked("d") for raw in records]


def now() -> datetime:
    """Give the time."""
    return datetime.now(UTC)


def make_incident(name: str, at: datetime = BEGIN, **given: Any) -> Incident:
    """Give a new incident of that moment; what is not given is ordinary."""
    base = Incident(
        id=name,
        kind="flood.river",
        title=Text(vi="Lũ trên sông Đà Rằng", en="Flood on the Da Rang"),
        severity=3,
        status=Status.NEW,
        opened_at=at,
        updated_at=at,
        last_signal_at=at,
        version=1,
        lon=109.3,
        lat=13.1,
        commune="22015",
        agency="fire",
    )
    return msgspec.structs.replace(base, **given)


def step(incident: Incident, change: Change = Change.OPENED, actor: str = "rule:river") -> IncidentChange:
    """Give the change that led to an incident."""
    return IncidentChange(
        incident=incident.id,
        version=incident.version,
        change=change,
        at=incident.updated_at,
        actor=actor,
        severity=incident.severity,
        status=incident.status,
    )


def opening(incident: Incident) -> IncidentWrite:
    """Give the order to the store that opens an incident."""
    return IncidentWrite(incident=incident, expected_version=None, changes=(step(incident),))
