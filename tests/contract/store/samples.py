"""Makes records for the store's tests: every field has a default that fits the others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.events import (
    Action,
    Change,
    DeadLetter,
    Detection,
    Incident,
    IncidentChange,
    IncidentWrite,
    Observation,
    ObservationBatch,
    Position,
    Signal,
    SignalLink,
    Status,
    Text,
    Zone,
)

T0 = datetime(2026, 3, 1, 5, tzinfo=UTC)


def at(seconds: float) -> datetime:
    """Give a time after the beginning."""
    return T0 + timedelta(seconds=seconds)


def observation(**given: Any) -> Observation:
    values: dict[str, Any] = {
        "id": "",
        "source": "river",
        "device": "gauge-1",
        "metric": "water_level",
        "value": 3.5,
        "observed_at": T0,
        "received_at": at(2),
        "lon": 108.9,
        "lat": 13.1,
        "commune": "22240",
        "zone_ids": ("commune:22240",),
    }
    return Observation(**(values | given))


def batch(*rows: Observation) -> ObservationBatch:
    return ObservationBatch.of(list(rows))


def detection(**given: Any) -> Detection:
    values: dict[str, Any] = {
        "id": "detection-1",
        "source": "cameras",
        "device": "camera-1",
        "label": "smoke",
        "confidence": 0.9,
        "observed_at": T0,
        "received_at": at(1),
        "lon": 108.05,
        "lat": 12.68,
        "commune": "24133",
    }
    return Detection(**(values | given))


def position(**given: Any) -> Position:
    values: dict[str, Any] = {
        "id": "fix-1",
        "source": "phones",
        "unit": "unit-1",
        "observed_at": T0,
        "received_at": at(1),
        "lon": 108.1,
        "lat": 12.7,
    }
    return Position(**(values | given))


def dead_letter(**given: Any) -> DeadLetter:
    values: dict[str, Any] = {
        "source": "river",
        "reason": "bad_json",
        "field": "",
        "message": "no JSON",
        "topic": "canh.raw.bulk",
        "partition": 1,
        "offset": 7,
        "received_at": T0,
        "raw": b"{\x00\xff",
        "headers": {"canh_source": "river"},
    }
    values |= given
    values.setdefault("id", DeadLetter.identity(values["source"], values["reason"], values["raw"]))
    return DeadLetter(**values)


def signal(**given: Any) -> Signal:
    values: dict[str, Any] = {
        "id": "signal-1",
        "rule": "river-level",
        "rule_version": 1,
        "kind": "flood",
        "action": Action.RAISE,
        "key": "gauge-1",
        "episode": "episode-1",
        "severity": 3,
        "started_at": T0,
        "observed_at": T0,
        "title": Text(vi="Lũ trên BĐ2", en="Flood above BĐ2"),
        "evidence": ("e1", "e2"),
    }
    return Signal(**(values | given))


def incident(**given: Any) -> Incident:
    values: dict[str, Any] = {
        "id": "incident-1",
        "kind": "fire",
        "title": Text(vi="Cháy nhà ở Tân Lập", en="House fire at Tan Lap"),
        "severity": 3,
        "status": Status.NEW,
        "opened_at": T0,
        "updated_at": T0,
        "last_signal_at": T0,
        "version": 1,
        "lon": 108.05,
        "lat": 12.68,
        "commune": "24133",
        "agency": "fire-dept",
    }
    return Incident(**(values | given))


def change(of: Incident, what: Change = Change.OPENED, **given: Any) -> IncidentChange:
    values: dict[str, Any] = {
        "incident": of.id,
        "version": of.version,
        "change": what,
        "at": of.updated_at,
        "actor": "rule:smoke",
        "severity": of.severity,
        "status": of.status,
        "detail": {"distance_m": 12.5, "signal": "signal-1"},
    }
    return IncidentChange(**(values | given))


def opened(**given: Any) -> IncidentWrite:
    """Give the order to open an incident."""
    record = incident(**given)
    return IncidentWrite(incident=record, expected_version=None, changes=(change(record),))


def changed(version: int, what: Change = Change.COMMENTED, **given: Any) -> IncidentWrite:
    """Give the order that brings an incident to `version`."""
    record = incident(version=version, **given)
    return IncidentWrite(incident=record, expected_version=version - 1, changes=(change(record, what),))


def link(**given: Any) -> SignalLink:
    values: dict[str, Any] = {
        "incident": "incident-1",
        "signal": "signal-1",
        "episode": "episode-1",
        "rule": "river-level",
        "rule_version": 1,
        "linked_at": T0,
        "distance_m": 12.5,
        "delay_s": 3.0,
        "reason": "within 500 m and 30 min",
    }
    return SignalLink(**(values | given))


def zone(**given: Any) -> Zone:
    values: dict[str, Any] = {
        "id": "commune:24133",
        "kind": "commune",
        "code": "24133",
        "name": "Buôn Ma Thuột",
        "geometry": {"type": "Polygon", "coordinates": [[[108, 12.5], [108.1, 12.5], [108.1, 12.6], [108, 12.5]]]},
        "valid_from": datetime(2025, 7, 1, tzinfo=UTC).date(),
    }
    return Zone(**(values | given))
