from __future__ import annotations

from datetime import UTC, datetime

import pytest

from streams.rules.state import AbsentState, AnyState, HoursState, KeyState, LevelState, Sight, States

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
