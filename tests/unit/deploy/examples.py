"""One record of each kind with every optional field set, to be held against its published schema."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from deploy.reference.records import name_of
from schemas.events import (
    Action,
    Agency,
    Alert,
    Case,
    Change,
    DeadLetter,
    Detection,
    Device,
    FeedEntry,
    Incident,
    IncidentChange,
    IncidentWrite,
    Lane,
    Observation,
    Position,
    Reading,
    Reason,
    Record,
    Report,
    Signal,
    SignalLink,
    Source,
    SourceHealth,
    Status,
    Text,
    Unit,
    Zone,
)

AT = datetime(2025, 11, 19, 7, tzinfo=UTC)
DAY = date(2025, 7, 1)
TITLE = Text(vi="Lũ trên sông Ba", en="Flood on the Ba")


def _envelope(name: str) -> dict[str, Any]:  # keyword arguments of any event
    return {
        "id": name, "source": "s", "observed_at": AT, "received_at": AT, "lon": 109.3, "lat": 13.1,
        "commune": "22015", "zone_ids": ("commune:22015",), "marks": ("simulated",),
    }  # fmt: skip


OBSERVATION = Observation(
    **_envelope("o"),
    device="d",
    metric="water_level",
    value=3.5,
    source_value=350.0,
    source_unit="cm",
)
SOURCE = Source(
    id="s", kind="sensor", format="native", lane=Lane.BULK, cadence_s=600.0, units={"level": ("water_level", "cm")},
    lon=109.3, lat=13.1, options={"replay": "true"},
)  # fmt: skip
READING = Reading(device="d", metric="water_level", value=3.5, threshold=2.7, at=AT)
INCIDENT = Incident(
    id="i", kind="flood.river", title=TITLE, severity=3, status=Status.NEW, opened_at=AT, updated_at=AT,
    last_signal_at=AT, version=1, lon=109.3, lat=13.1, commune="22015", zone="z", agency="a", assignee="x",
    cleared_at=AT, signal_count=1, source_count=1, latest=READING, gravest=READING, marks=("simulated",),
)  # fmt: skip
CHANGE = IncidentChange(
    incident="i", version=1, change=Change.OPENED, at=AT, actor="rule:r", severity=3, status=Status.NEW,
    detail={"distance_m": 1.5, "signal": "x", "n": 1, "yes": True, "none": None},
)  # fmt: skip
LINK = SignalLink(
    incident="i", signal="x", episode="e", rule="r", rule_version=1, linked_at=AT, distance_m=None, delay_s=0.0,
    reason="first",
)  # fmt: skip

_RECORDS: tuple[Record, ...] = (
    TITLE,
    OBSERVATION,
    SOURCE,
    READING,
    INCIDENT,
    CHANGE,
    LINK,
    Detection(**_envelope("d"), device="c", label="smoke", confidence=0.9, count=2, ended_at=AT, track="t"),
    Report(**_envelope("r"), text="Ngập", category="flood.urban", channel="app", media=("m",)),
    Alert(**_envelope("a"), kind="storm", headline="Bão", severity=4, expires_at=AT, device="d"),
    Position(**_envelope("p"), unit="u", accuracy_m=5.0, speed_mps=3.0, heading_deg=90.0, battery_pct=50.0),
    Case(**_envelope("c"), case_no="1", status="late", due_at=AT),
    Signal(
        id="x", rule="r", rule_version=1, kind="flood.river", action=Action.RAISE, key="d", episode="e", severity=3,
        started_at=AT, observed_at=AT, title=TITLE, value=3.5, threshold=2.7, evidence=("o",),
    ),
    FeedEntry(feed_id=1, recorded_at=AT, change=CHANGE, incident=INCIDENT),
    IncidentWrite(incident=INCIDENT, expected_version=None, changes=(CHANGE,), links=(LINK,)),
    DeadLetter(
        id="l", source="s", reason=Reason.BAD_JSON, field="", message="m", topic="canh.raw.bulk", partition=0, offset=1,
        received_at=AT, raw=b"\xff", headers={"canh_source": "s"}, resolved_at=AT,
    ),
    SourceHealth(source=SOURCE, last_observed_at=AT, last_received_at=None, accepted=1, refused=0),
    Device(id="d", source="s", lon=109.3, lat=13.1, metrics=("rain",), last_observed_at=AT, last_values={"rain": 1.0}),
    Zone(id="z:1", kind="z", code="1", name="Z", geometry={"type": "Polygon", "coordinates": []}, valid_from=DAY),
    Agency(id="a", name="A", kind="fire", communes=("1",), competence=("rescue",), valid_from=DAY, valid_to=DAY),
    Unit(id="u", name="U", kind="car", agency="a", home_zone="z", lon=109.3, lat=13.1, position_at=AT),
)  # fmt: skip

#: An example of every record, by the name of its schema.
EXAMPLES: dict[str, Record] = {name_of(type(record)): record for record in _RECORDS}
