from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from streams.rules.state import (
    AbsentState,
    AnyState,
    Calm,
    HoursState,
    KeyState,
    LevelState,
    Sight,
    States,
    heard_at,
    number_of,
)

AT = datetime(2025, 11, 19, 10, 50, tzinfo=UTC)
LATER = datetime(2025, 11, 19, 10, 55, tzinfo=UTC)

#: Each kind of state, and how it was written until November 2026.
STATES: dict[str, tuple[AnyState, bytes]] = {
    "absent": (
        AbsentState(AT, LATER, Sight("", lon=108.04, lat=12.68, device="d:1", metric="pm25", thresholds=(1.5, None))),
        (
            b'{"type":"absent","last_at":"2025-11-19T10:50:00Z","deadline":"2025-11-19T10:55:00Z",'
            b'"sight":{"event":"","lon":108.04,"lat":12.68,"device":"d:1","metric":"pm25","thresholds":[1.5,null]}}'
        ),
    ),
    "key": (
        KeyState(AT, [LevelState(since=AT, held_at=AT, on=True), LevelState()], 3, first="e1", sight=Sight("e1")),
        (
            b'{"type":"key","last_at":"2025-11-19T10:50:00Z","levels":[{"since":"2025-11-19T10:50:00Z",'
            b'"held_at":"2025-11-19T10:50:00Z","on":true},{}],"severity":3,"first":"e1","sight":{"event":"e1"}}'
        ),
    ),
    "hours": (
        HoursState(AT, {"pm25": {1763546400: (3.5, 2)}}, {"pm25": AT}),
        (
            b'{"type":"hours","last_at":"2025-11-19T10:50:00Z","sums":{"pm25":{"1763546400":[3.5,2]}},'
            b'"newest":{"pm25":"2025-11-19T10:50:00Z"}}'
        ),
    ),
}


@pytest.mark.parametrize("kind", STATES)
def test_states_come_back_from_the_store_as_they_were(kind: str) -> None:
    state, _ = STATES[kind]
    states, again = States(), States()
    states.put("rule", "key", state)
    for (rule, key), raw in states.dump().items():
        again.load(rule, key, raw)
    assert again.get("rule", "key") == state


@pytest.mark.parametrize("kind", STATES)
def test_states_that_an_older_worker_wrote_are_read(kind: str) -> None:
    """A rule that fires while workers are replaced goes on firing: it does not raise again."""
    state, written = STATES[kind]
    states = States()
    states.load("rule", "key", written)
    assert states.get("rule", "key") == state


def calm(asked: list[int]) -> Calm:
    """Give two states at once, one a minute after the other; `asked` notes what was asked for."""

    def sight(number: int) -> Sight:
        asked.append(number)
        return Sight(f"event {number}")

    at, deadline = number_of(AT), number_of(LATER)
    return Calm([at, at + 60_000_000], [deadline, deadline + 60_000_000], sight)


def test_states_that_come_many_at_once_are_those_that_come_one_by_one() -> None:
    """With their deadlines, and what a new deadline replaces."""
    one_by_one, at_once = States(), States()
    minute = timedelta(minutes=1)
    for states in (one_by_one, at_once):
        states.put("rule", "b", AbsentState(AT, AT, Sight("older")))
    for number, key in enumerate("ab"):
        later = number * minute
        one_by_one.put("rule", key, AbsentState(AT + later, LATER + later, Sight(f"event {number}")))
    at_once.put_calm("rule", ["a", "b"], calm([]))
    assert [heard_at(at_once.of("rule")[key]) for key in "ab"] == [number_of(AT), number_of(AT + minute)]
    assert at_once.overdue("rule", LATER) == one_by_one.overdue("rule", LATER) == ["a"]
    assert at_once.live("rule") == one_by_one.live("rule") == {"a", "b"}
    assert at_once.dump() == one_by_one.dump()


def test_what_was_seen_is_made_when_somebody_asks_and_once() -> None:
    """Most keys are heard of again before."""
    states, asked = States(), list[int]()
    states.put_calm("rule", ["a", "b"], calm(asked))
    assert (len(states), asked) == (2, [])
    assert states.get("rule", "b") is states.get("rule", "b")
    assert asked == [1]


def test_what_came_many_at_once_is_taken_back() -> None:
    """One key had a state, the other had none."""
    states = States()
    states.put_calm("rule", ["b", "c"], calm([]))
    before = states.dump()
    kept = {("rule", key): states.of("rule").get(key) for key in "ab"}
    states.put_calm("rule", ["a", "b"], calm([]))
    states.undo(kept)
    assert states.dump() == before
    assert states.overdue("rule", LATER) == ["b"]
