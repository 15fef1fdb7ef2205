from __future__ import annotations

from datetime import UTC, datetime, timedelta

from schemas.events import Action, Incident, Signal, Status, Text
from schemas.standing import Standing
from streams.incidents.correlation import correlate

T0 = datetime(2025, 11, 19, tzinfo=UTC)
TITLE = Text(vi="Phú Lâm: đạt báo động 3", en="Phú Lâm: reached alarm level 3")


def signal(
    minutes: float, value: float | None, severity: int, threshold: float | None, action: Action = Action.UPDATE
) -> Signal:
    """Give a signal of one episode of a river gauge."""
    at = T0 + timedelta(minutes=minutes)
    return Signal(
        id=Signal.identity("e", action, severity, at),
        rule="flood.river-level",
        rule_version=1,
        kind="flood.river",
        action=action,
        key="river:phu-lam",
        episode="e",
        severity=severity,
        started_at=T0,
        observed_at=at,
        title=TITLE,
        device="river:phu-lam",
        metric="water_level",
        value=value,
        threshold=threshold,
    )


def incident_of(*signals: Signal) -> Incident:
    """Give the incident that they make together."""
    (write,) = correlate(signals, Standing(frozenset(), {}, (), {}), (), T0)
    assert write.incident.status is Status.NEW
    return write.incident


def test_newest_and_gravest_reading_are_told_with_their_times() -> None:
    """When the water falls the incident tells both: how high it stood and when, and the last that is known."""
    incident = incident_of(
        signal(0, 1.9, 2, 1.7, Action.RAISE), signal(10, 5.22, 5, 5.21), signal(20, 5.0, 4, 3.7),
        signal(30, 1.52, 2, 1.7, Action.CLEAR),
    )  # fmt: skip
    assert incident.latest is not None
    assert incident.gravest is not None
    assert (incident.latest.value, incident.latest.at) == (1.52, T0 + timedelta(minutes=30))
    assert (incident.gravest.value, incident.gravest.at) == (5.22, T0 + timedelta(minutes=10))
    assert (incident.gravest.device, incident.gravest.metric, incident.gravest.threshold) == (
        "river:phu-lam", "water_level", 5.21,
    )  # fmt: skip


def test_further_beyond_the_same_level_is_graver() -> None:
    """Among readings of the highest severity the one furthest from the threshold counts."""
    incident = incident_of(
        signal(0, 3.8, 4, 3.7, Action.RAISE), signal(10, 3.0, 3, 2.7), signal(20, 4.4, 4, 3.7), signal(30, 3.9, 4, 3.7)
    )
    assert incident.gravest is not None
    assert incident.gravest.value == 4.4


def test_a_value_without_a_unit_is_no_reading() -> None:
    """A report has no value, and nothing is made up for it."""
    incident = incident_of(signal(0, None, 4, None, Action.RAISE))
    assert (incident.latest, incident.gravest) == (None, None)
