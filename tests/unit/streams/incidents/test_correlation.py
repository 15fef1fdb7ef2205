from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from schemas.events import Action, Agency, Change, Incident, IncidentWrite, Signal, Status, Text, derive_id
from schemas.standing import Episode, Standing
from streams.incidents.correlation import correlate
from streams.incidents.match import REASONS, match

T0 = datetime(2025, 11, 19, tzinfo=UTC)
NOW = T0 + timedelta(days=1)
LON, LAT = 108.05, 12.68
#: Degrees of longitude of 100 m at that latitude.
STEP = 100 / 108_600


def signal(
    key: str, minutes: float, action: Action = Action.RAISE, *, severity: int = 3, east_m: float | None = 0, n: int = 1
) -> Signal:
    """Give a signal of episode `n` of a key, `east_m` metres from the first place (None: without a place)."""
    at = T0 + timedelta(minutes=minutes)
    episode = f"{key}/{n}"
    return Signal(
        id=Signal.identity(episode, action, severity, at),
        rule="fire.smoke-or-fire",
        rule_version=1,
        kind="fire.structure",
        action=action,
        key=key,
        episode=episode,
        severity=severity,
        started_at=T0,
        observed_at=at,
        title=Text(vi=f"Cháy {severity}", en=f"Fire {severity}"),
        lon=None if east_m is None else LON + east_m / 100 * STEP,
        lat=None if east_m is None else LAT,
        commune="24133",
        device=key,
        merge_m=500,
        merge_s=1800,
    )


class Desk:
    """A store of one table: applies what correlate orders and gives it back."""

    def __init__(self, *agencies: Agency) -> None:
        self.agencies = agencies
        self.incidents: dict[str, Incident] = {}
        self.episodes: dict[str, dict[str, Episode]] = {}
        self.home: dict[str, str] = {}
        self.linked: set[str] = set()
        self.writes: list[IncidentWrite] = []

    def take(self, *signals: Signal) -> list[IncidentWrite]:
        """Correlate what is not linked yet, and keep the result."""
        actions = {one.id: one for one in signals}
        standing = Standing(frozenset(self.linked), self.home, tuple(self.incidents.values()), self.episodes)
        writes = correlate(signals, standing, self.agencies, NOW)
        for write in writes:
            held = self.incidents.get(write.incident.id)
            assert write.expected_version == (held.version if held else None)
            versions = [change.version for change in write.changes]
            assert versions == list(range((write.expected_version or 0) + 1, write.incident.version + 1))
            self.incidents[write.incident.id] = write.incident
            for link in write.links:
                one = actions[link.signal]
                cleared_at = one.observed_at if one.action is Action.CLEAR else None
                self.episodes.setdefault(write.incident.id, {})[link.episode] = Episode(one.key, cleared_at)
                self.home[link.episode] = write.incident.id
                self.linked.add(link.signal)
        self.writes += writes
        return writes

    def changes(self) -> list[Change]:
        """Give all changes so far."""
        return [change.change for write in self.writes for change in write.changes]


def test_the_first_signal_opens() -> None:
    """A raise opens an incident whose id follows from kind and episode, and links the signal."""
    (write,) = Desk().take(signal("a", 0))
    incident = write.incident
    assert incident.id == derive_id("incident", "fire.structure", "a/1")
    assert (incident.status, incident.severity, incident.version) == (Status.NEW, 3, 1)
    assert (incident.signal_count, incident.source_count, incident.cleared_at) == (1, 1, None)
    assert [change.change for change in write.changes] == [Change.OPENED]
    assert [(link.reason, link.distance_m, link.delay_s) for link in write.links] == [("first", 0.0, 0.0)]


def test_near_signals_join_and_far_ones_do_not() -> None:
    """What is within the rule's distance joins with its distance; what is beyond opens its own."""
    desk = Desk()
    desk.take(signal("a", 0), signal("b", 5, east_m=400), signal("c", 6, east_m=700))
    assert sorted(incident.signal_count for incident in desk.incidents.values()) == [1, 2]
    (link,) = [link for write in desk.writes for link in write.links if link.reason == "near"]
    assert link.distance_m == pytest.approx(400, rel=0.01)


def test_a_signal_joins_the_nearest() -> None:
    """Between two incidents the nearer one takes the signal."""
    desk = Desk()
    desk.take(signal("a", 0), signal("b", 0, east_m=800))
    (write,) = desk.take(signal("c", 5, east_m=450))
    assert write.links[0].distance_m == pytest.approx(350, rel=0.01)


def test_another_kind_never_joins() -> None:
    """A flood is not a fire, however near."""
    desk = Desk()
    desk.take(signal("a", 0), msgspec.structs.replace(signal("b", 1), kind="flood.urban"))
    assert len(desk.incidents) == 2


def test_too_late_opens_a_new_one() -> None:
    """A cleared incident takes a signal within the rule's time, not after it."""
    desk = Desk()
    desk.take(signal("a", 0), signal("a", 10, Action.CLEAR))
    desk.take(signal("b", 39))
    assert (len(desk.incidents), desk.changes()[-1]) == (1, Change.RECURRED)
    desk.take(signal("b", 40, Action.CLEAR))
    desk.take(signal("a", 71, n=2))
    assert len(desk.incidents) == 2


def test_an_active_incident_is_present() -> None:
    """While a rule still holds it, an incident takes near signals whatever the time since its last one."""
    desk = Desk()
    desk.take(signal("a", 0))
    (write,) = desk.take(signal("b", 300, east_m=100))
    assert (write.links[0].reason, write.links[0].delay_s) == ("near", 0.0)


def test_without_a_place_the_commune_will_do() -> None:
    """A signal without a position joins the incident of its commune."""
    desk = Desk()
    (write,) = desk.take(signal("a", 0), signal("b", 1, east_m=None))
    assert [(link.reason, link.distance_m) for link in write.links] == [("first", 0.0), ("commune", None)]


def test_severity_rises_and_never_falls() -> None:
    """A graver signal escalates and gives its title; a milder one leaves both."""
    desk = Desk()
    desk.take(signal("a", 0))
    desk.take(signal("a", 1, Action.UPDATE, severity=4))
    desk.take(signal("a", 2, Action.UPDATE, severity=2))
    (incident,) = desk.incidents.values()
    assert (incident.severity, incident.title.vi) == (4, "Cháy 4")
    assert desk.changes() == [Change.OPENED, Change.ESCALATED, Change.SIGNAL]


def test_cleared_when_the_last_episode_ends() -> None:
    """Only the end of the last episode clears; the incident stays open for people."""
    desk = Desk()
    desk.take(signal("a", 0), signal("b", 1))
    desk.take(signal("a", 2, Action.CLEAR))
    assert desk.changes()[-1] is Change.SIGNAL
    desk.take(signal("b", 3, Action.CLEAR))
    (incident,) = desk.incidents.values()
    assert (desk.changes()[-1], incident.cleared_at) == (Change.CLEARED, T0 + timedelta(minutes=3))
    assert incident.status is Status.NEW


def test_resolved_and_back_needs_a_look_again() -> None:
    """What people called done goes back to new when it recurs or gets graver."""
    desk = Desk()
    desk.take(signal("a", 0), signal("a", 5, Action.CLEAR))
    (held,) = desk.incidents.values()
    desk.incidents[held.id] = msgspec.structs.replace(held, status=Status.RESOLVED)
    (write,) = desk.take(signal("a", 9, severity=4, n=2))
    assert write.incident.status is Status.NEW
    assert [change.change for change in write.changes] == [Change.RECURRED, Change.ESCALATED]


def test_a_closed_incident_swallows_nothing() -> None:
    """A new episode after closing opens a new incident; a rise of the old one does too; its end is not told."""
    desk = Desk()
    desk.take(signal("a", 0))
    (held,) = desk.incidents.values()
    desk.incidents[held.id] = msgspec.structs.replace(held, status=Status.CLOSED)
    assert desk.take(signal("a", 1, Action.UPDATE, severity=2)) == []
    assert desk.take(signal("a", 2, Action.CLEAR)) == []
    (risen,) = desk.take(signal("a", 3, Action.UPDATE, severity=5))
    (other,) = desk.take(signal("b", 9, east_m=5000))
    assert len({held.id, risen.incident.id, other.incident.id}) == 3


def test_a_clear_alone_opens_nothing() -> None:
    """The end of an episode that nobody knows is no incident."""
    assert Desk().take(signal("a", 0, Action.CLEAR)) == []


def test_again_changes_nothing() -> None:
    """Signals that are linked already give no order."""
    desk = Desk()
    signals = [signal("a", 0), signal("b", 1), signal("a", 5, Action.CLEAR)]
    desk.take(*signals)
    assert desk.take(*signals) == []


def test_the_leading_agency_gets_it() -> None:
    """The registered agency of the leading kind answers; nobody registered leaves it open."""
    fire = Agency(id="pccc", name="PCCC", kind="fire", competence=("fire.structure",))
    ward = Agency(id="ubnd", name="UBND", kind="commune", communes=("24133",), competence=("fire",))
    (write,) = Desk(ward, fire).take(signal("a", 0))
    assert write.incident.agency == "pccc"
    (write,) = Desk(ward).take(signal("a", 0))
    assert write.incident.agency == "ubnd"
    (write,) = Desk().take(signal("a", 0))
    assert write.incident.agency is None


def test_sources_are_counted_not_their_episodes() -> None:
    """A device that tells of the same thing again is still one source."""
    desk = Desk()
    desk.take(signal("a", 0), signal("a", 5, Action.CLEAR))
    (write,) = desk.take(signal("a", 9, n=2), signal("b", 10, n=1))
    assert (write.incident.signal_count, write.incident.source_count) == (4, 2)


def test_a_signal_that_comes_twice_at_once_counts_once() -> None:
    """A repeat within a batch is no second signal."""
    (write,) = Desk().take(signal("a", 0), signal("a", 0))
    assert (write.incident.signal_count, len(write.links)) == (1, 1)


def test_a_storm_looks_at_neighbours_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a thousand incidents of one kind a signal is compared with those around it."""
    looks = 0

    def counted(*given: Any, **named: Any) -> Any:
        nonlocal looks
        looks += 1
        return match(*given, **named)

    monkeypatch.setattr("streams.incidents.correlation.match", counted)
    desk = Desk()
    desk.take(*(signal(f"a{i}", 0, east_m=1000 * i) for i in range(1000)))
    assert len(desk.incidents) == 1000
    assert looks < 3000


def test_every_reason_is_written_for_people() -> None:
    """Each reason of a link has words in both languages."""
    assert all(text.vi and text.en for text in REASONS.values())
    assert set(REASONS) == {"first", "episode", "near", "commune"}
