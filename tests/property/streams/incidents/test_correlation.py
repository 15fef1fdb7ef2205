from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.events import Action, Change, Incident, IncidentWrite, Signal, Text
from schemas.standing import Episode, Standing
from streams.incidents.correlation import correlate

T0 = datetime(2025, 11, 19, tzinfo=UTC)
NOW = T0 + timedelta(days=9)
METRE = 1 / 108_600  # degrees of longitude at 12.68 degrees north


class Desk:
    """Keeps incidents between batches as a store does."""

    def __init__(self) -> None:
        self.incidents: dict[str, Incident] = {}
        self.episodes: dict[str, dict[str, Episode]] = {}
        self.home: dict[str, str] = {}
        self.linked: dict[str, str] = {}
        self.writes: list[IncidentWrite] = []

    def take(self, signals: list[Signal]) -> None:
        """Correlate what is not linked yet."""
        fresh = {signal.id: signal for signal in signals if signal.id not in self.linked}
        standing = Standing(frozenset(self.linked), self.home, tuple(self.incidents.values()), self.episodes)
        writes = correlate(signals, standing, (), NOW)
        for write in writes:
            assert write.expected_version == getattr(self.incidents.get(write.incident.id), "version", None)
            self.incidents[write.incident.id] = write.incident
            for link in write.links:
                assert link.signal not in self.linked
                self.linked[link.signal] = write.incident.id
                self.home.setdefault(link.episode, write.incident.id)
                one = fresh[link.signal]
                ended = one.observed_at if one.action is Action.CLEAR else None
                self.episodes.setdefault(write.incident.id, {})[link.episode] = Episode(one.key, ended)
        self.writes += writes


@st.composite
def stories(draw: st.DrawFn) -> list[Signal]:
    """Draw episodes of some devices on a line: raise, maybe updates, maybe a clear; sorted by time, times distinct."""
    found: list[Signal] = []
    for device in range(draw(st.integers(1, 5))):
        minute = 0
        for episode in range(draw(st.integers(0, 3))):
            minute += draw(st.integers(1, 200))
            actions = [Action.RAISE, *[Action.UPDATE] * draw(st.integers(0, 2)), Action.CLEAR]
            for action in actions[: draw(st.integers(1, len(actions)))]:
                minute += draw(st.integers(1, 60))
                found.append(_signal(device, episode, minute, action, draw(st.integers(2, 5))))
    return sorted(found, key=lambda signal: signal.observed_at)


def _signal(device: int, episode: int, minute: int, action: Action, severity: int) -> Signal:
    at = T0 + timedelta(minutes=minute, seconds=device)
    ident = f"{device}/{episode}"
    return Signal(
        id=Signal.identity(ident, action, severity, at),
        rule="r",
        rule_version=1,
        kind=("fire.structure", "flood.urban")[device % 2],
        action=action,
        key=str(device),
        episode=ident,
        severity=severity,
        started_at=T0,
        observed_at=at,
        title=Text(vi="t", en="t"),
        lon=None if device == 4 else 108.05 + device * 200 * METRE,
        lat=None if device == 4 else 12.68,
        commune="24133",
        merge_m=500,
        merge_s=1800,
    )


def at_once(signals: list[Signal]) -> Desk:
    """Give what becomes of the signals in one batch."""
    desk = Desk()
    desk.take(signals)
    return desk


@settings(max_examples=150, deadline=None)
@given(story=stories(), data=st.data())
def test_order_within_a_batch_does_not_matter(story: list[Signal], data: st.DataObject) -> None:
    """Any permutation of a batch gives the same incidents, changes and links."""
    assert at_once(data.draw(st.permutations(story))).writes == at_once(story).writes


@settings(max_examples=150, deadline=None)
@given(story=stories(), data=st.data())
def test_any_split_gives_the_same_incidents(story: list[Signal], data: st.DataObject) -> None:
    """However the signals are cut into batches, the same incidents stand in the end."""
    cuts = sorted(data.draw(st.sets(st.integers(0, len(story)), max_size=6)))
    desk, whole = Desk(), at_once(story)
    for start, end in pairwise([0, *cuts, len(story)]):
        desk.take(story[start:end])
    assert desk.incidents == whole.incidents
    assert desk.linked == whole.linked


@settings(max_examples=100, deadline=None)
@given(story=stories(), data=st.data())
def test_no_twins(story: list[Signal], data: st.DataObject) -> None:
    """Signals that come again open nothing and change nothing; each signal and episode has one incident."""
    desk = at_once(story)
    before = dict(desk.incidents)
    desk.take(data.draw(st.permutations(story)))
    assert desk.incidents == before
    assert set(desk.linked) == {signal.id for signal in story}
    assert all(desk.linked[signal.id] == desk.home[signal.episode] for signal in story)


@settings(max_examples=100, deadline=None)
@given(story=stories())
def test_versions_count_the_changes(story: list[Signal]) -> None:
    """An incident's changes carry the versions 1, 2, 3 ...; its severity is the greatest seen and never fell."""
    desk = Desk()
    for signal in story:
        desk.take([signal])
    for incident in desk.incidents.values():
        changes = [change for write in desk.writes for change in write.changes if change.incident == incident.id]
        assert [change.version for change in changes] == list(range(1, incident.version + 1))
        assert changes[0].change is Change.OPENED
        severities = [change.severity for change in changes]
        assert severities == sorted(severities)
        assert incident.severity == severities[-1]


@settings(max_examples=100, deadline=None)
@given(story=stories())
def test_cleared_means_that_no_episode_holds(story: list[Signal]) -> None:
    """`cleared_at` is set exactly while every episode has ended."""
    desk = at_once(story)
    for ident, incident in desk.incidents.items():
        assert (incident.cleared_at is None) == any(one.cleared_at is None for one in desk.episodes[ident].values())
