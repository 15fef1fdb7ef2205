from __future__ import annotations

from datetime import UTC, datetime, timedelta
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.events import Action, IncidentWrite, Signal, Text
from schemas.standing import Standing
from streams.incidents.correlation import correlate
from streams.incidents.draft import Draft
from streams.incidents.match import match, reach
from streams.incidents.near import Near

T0 = datetime(2025, 11, 19, tzinfo=UTC)

#: Towns of Viet Nam, and where degrees are strange: the antimeridian, near a pole, the equator.
CORNERS = [(108.05, 12.68), (109.3, 13.09), (179.9999, 12.0), (-179.9999, 12.0), (10.0, 89.9), (0.0, 0.0)]
METRES = st.floats(-2000, 2000)
MERGES = st.sampled_from([0.0, 50.0, 500.0, 5000.0, 200_000.0])


@st.composite
def signals(draw: st.DrawFn) -> list[Signal]:
    """Draw raises of one or two kinds around some corners; some have no place."""
    return [_signal(draw, number) for number in range(draw(st.integers(1, 25)))]


def _signal(draw: st.DrawFn, number: int) -> Signal:
    lon, lat = draw(st.sampled_from(CORNERS))
    placed = draw(st.integers(0, 5)) > 0
    at = T0 + timedelta(minutes=draw(st.integers(0, 90)))
    return Signal(
        id=f"s{number}",
        rule="r",
        rule_version=1,
        kind=draw(st.sampled_from(["fire", "flood"])),
        action=Action.RAISE,
        key=str(number),
        episode=f"e{number}",
        severity=3,
        started_at=T0,
        observed_at=at,
        title=Text(vi="t", en="t"),
        lon=min(180.0, max(-180.0, lon + draw(METRES) / 100_000)) if placed else None,
        lat=min(90.0, max(-90.0, lat + draw(METRES) / 100_000)) if placed else None,
        commune=draw(st.sampled_from([None, "1", "2"])),
        merge_m=draw(MERGES),
        merge_s=1800,
    )


def _slowly(found: list[Signal]) -> list[IncidentWrite]:
    """Correlate with a look at every draft."""
    with patch.object(Near, "around", lambda self, _signal: list(self._all)):
        return correlate(found, Standing(), (), T0)


@settings(max_examples=300, deadline=None)
@given(found=signals())
def test_the_grid_changes_no_answer(found: list[Signal]) -> None:
    """What joins what is the same as when each signal looks at all incidents."""
    assert correlate(found, Standing(), (), T0) == _slowly(found)


@settings(max_examples=300, deadline=None)
@given(found=signals())
def test_whatever_matches_is_in_reach(found: list[Signal]) -> None:
    """An incident that a signal joins fulfils what the store is asked for: kind, times, box or commune."""
    drafts = [Draft.open(signal, (), T0, again=False) for signal in found]
    for signal in found:
        asked = reach(signal)
        for incident in (draft.incident for draft in drafts):
            if match(signal, incident, active=False) is None:
                continue
            assert (asked.kind, asked.since <= incident.last_signal_at, incident.opened_at <= asked.until) == (
                incident.kind, True, True,
            )  # fmt: skip
            if asked.box is None or incident.lon is None or incident.lat is None:
                assert asked.commune == incident.commune
            else:
                west, south, east, north = asked.box
                assert west <= incident.lon <= east
                assert south <= incident.lat <= north
