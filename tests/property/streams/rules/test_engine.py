from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.events import Action, Detection, Observation, ObservationBatch, Signal
from streams.rules import group
from streams.rules.engine import Engine
from streams.rules.frame import Lookups
from streams.rules.load import library
from streams.rules.state import States

T0 = datetime(2025, 11, 19, tzinfo=UTC)
END = T0 + timedelta(days=4)
ENGINE = Engine(library(), Lookups(cadence_s={"s": 600.0}))
Row = Observation | Detection

READINGS = {
    ("river:phu-lam", "water_level"): (1.0, 1.55, 1.65, 1.7, 2.65, 2.7, 3.65, 3.7, 5.3),
    ("street:1", "flood_depth"): (0.0, 11.9, 13.0, 15.0, 26.0, 28.0, 30.0),
    ("air:1", "pm2_5"): (10.0, 90.0, 180.0, 320.0),
    ("air:1", "pm10"): (10.0, 300.0),
}


@st.composite
def events(draw: st.DrawFn) -> list[Row]:
    """Draw events of all kinds of rules in the order of event time, each key and time once."""
    steps = draw(st.lists(st.tuples(st.integers(1, 90), st.integers(0, 5), st.integers(0, 99)), max_size=60))
    minute, found = 0, []
    for gap, which, pick in steps:
        minute += gap
        found.append(_event(which, pick, T0 + timedelta(minutes=minute)))
    return found


def _event(which: int, pick: int, at: datetime) -> Row:
    if which < len(READINGS):
        (device, metric), values = list(READINGS.items())[which]
        value = values[pick % len(values)]
        return Observation(
            id="-", source="s", device=device, metric=metric, value=value, observed_at=at, received_at=at
        )
    label, confidence, count = [("smoke", 0.7, 1), ("fire", 0.9, 1), ("fire", 0.2, 1), ("person", 0.9, 80)][pick % 4]
    return Detection(
        id=f"{at:%d%H%M}",
        source="cameras",
        device="camera:1",
        label=label,
        confidence=confidence,
        count=count,
        observed_at=at,
        received_at=at,
        zone_ids=("square:1",),
    )


def step(rows: list[Row], states: States) -> list[Signal]:
    """Take one micro-batch of each lane."""
    observations = [row for row in rows if isinstance(row, Observation)]
    signals = ENGINE.step(ObservationBatch.of(observations), states).signals if observations else []
    return signals + ENGINE.step([row for row in rows if isinstance(row, Detection)], states).signals


def run(batches: list[list[Row]], states: States | None = None) -> set[Signal]:
    """Give all signals of these batches and of the time after them."""
    states = States() if states is None else states
    found = [signal for batch in batches for signal in step(batch, states)]
    found += ENGINE.advance(states, END).signals
    return _distinct(found)


def _distinct(found: list[Signal]) -> set[Signal]:
    assert len({signal.id for signal in found}) == len(found)
    return {signal.id: signal for signal in found}.values()  # type: ignore[return-value]


def ordered(signals: Any) -> list[Signal]:
    """Sort signals, so that only what they say is compared."""
    return sorted(signals, key=lambda signal: signal.id)


@settings(max_examples=60, deadline=None)
@given(rows=events(), data=st.data())
def test_any_split_gives_the_same_signals(rows: list[Row], data: st.DataObject) -> None:
    """However events are cut into micro-batches, and wherever time passes between them, the signals are the same."""
    cuts = sorted(data.draw(st.sets(st.integers(0, len(rows)), max_size=8)))
    states, found = States(), []
    for start, end in zip([0, *cuts], [*cuts, len(rows)], strict=True):
        found += step(rows[start:end], states)
        if end < len(rows) and data.draw(st.booleans()):
            found += ENGINE.advance(states, rows[end].observed_at - timedelta(seconds=1)).signals
    found += ENGINE.advance(states, END).signals
    assert ordered(_distinct(found)) == ordered(run([rows]))


@settings(max_examples=60, deadline=None)
@given(rows=events(), data=st.data())
def test_duplicates_change_nothing(rows: list[Row], data: st.DataObject) -> None:
    """Events that come twice, at once or later, give no other signals."""
    twice = data.draw(st.lists(st.sampled_from(rows), max_size=10)) if rows else []
    states = States()
    found = [signal for row in rows for signal in step([row, row] if row in twice else [row], states)]
    found += step(twice, states)
    found += ENGINE.advance(states, END).signals
    assert ordered(_distinct(found)) == ordered(run([rows]))


@settings(max_examples=60, deadline=None)
@given(rows=events())
def test_replay_changes_nothing(rows: list[Row]) -> None:
    """States that have seen the events meet them again: no signal, no changed state; bytes and back in between."""
    states, again = States(), States()
    run([rows], states)
    for (rule, key), raw in states.dump().items():
        again.load(rule, key, raw)
    assert step(rows, again) == []
    assert ENGINE.advance(again, END).signals == []
    assert again.dump() == states.dump()


@settings(max_examples=60, deadline=None)
@given(rows=events(), data=st.data())
def test_order_within_a_batch_does_not_matter(rows: list[Row], data: st.DataObject) -> None:
    """A batch that comes out of order gives the same signals."""
    assert ordered(run([data.draw(st.permutations(rows))])) == ordered(run([rows]))


@settings(max_examples=60, deadline=None)
@given(rows=events())
def test_few_rows_are_judged_like_many(rows: list[Row]) -> None:
    """Whether the rows that matter are asked for first, or all are shown to the machines: same signals and states."""
    found, states = [], []
    for few in (len(rows) + 1, -1):
        with patch.object(group, "FEW", few):
            states.append(States())
            found.append(ordered(run([rows], states[-1])))
    assert found[0] == found[1]
    assert states[0].dump() == states[1].dump()


@settings(max_examples=60, deadline=None)
@given(rows=events())
def test_an_episode_is_raised_once_and_cleared_last(rows: list[Row]) -> None:
    """Each episode is one raise, then updates in order of time, then at most one clear."""
    episodes: dict[str, list[Signal]] = {}
    for signal in sorted(run([rows]), key=lambda signal: (signal.observed_at, list(Action).index(signal.action))):
        episodes.setdefault(signal.episode, []).append(signal)
    for signals in episodes.values():
        actions = [signal.action for signal in signals]
        assert actions[0] is Action.RAISE
        assert Action.RAISE not in actions[1:]
        assert Action.CLEAR not in actions[:-1]
        assert {signal.started_at for signal in signals} == {signals[0].observed_at}


@settings(max_examples=30, deadline=None)
@given(rows=events())
def test_undo_is_exact(rows: list[Row]) -> None:
    """A step taken back leaves the bytes of all states as they were."""
    states = States()
    half = len(rows) // 2
    step(rows[:half], states)
    before = states.dump()
    outcome = ENGINE.step([row for row in rows[half:] if isinstance(row, Detection)], states)
    states.undo(outcome.before)
    assert msgspec.json.encode(sorted(states.dump().items())) == msgspec.json.encode(sorted(before.items()))
