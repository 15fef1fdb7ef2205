"""The pure state machine of one rule and one key: events and deadlines in, turns out (pending, firing, resolved).

Each level of a rule is its own small machine; the key's severity is that of the highest level that fires. All time is
event time. An event older than the newest one that counted changes nothing; one of the same time can only turn a level
on. Deadlines up to an event's time come before the event, and carry the deadline's own time: so it does not matter
whether the clock (`advance`) or the next event came first, nor how events were cut into batches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas.events import Action
from streams.rules.state import KeyState, LevelState, Sight


@dataclass(frozen=True, slots=True)
class Timing:
    """The durations of a rule: severity and `for` of each level (lowest first), `clear_for`, and `gap`.

    Without a gap a condition holds until an event says otherwise (a water level between two readings); with one it
    holds only as long as events prove it, no two of them further apart than that (a camera that sees smoke).
    """

    severities: tuple[int, ...]
    holds: tuple[timedelta, ...]
    clear_for: timedelta
    gap: timedelta | None


@dataclass(frozen=True, slots=True)
class Turn:
    """A key changed: what a signal is made of. `evidence` holds event ids, oldest first."""

    action: Action
    at: datetime
    severity: int
    started_at: datetime
    sight: Sight
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Word:
    """What an event at `at` says of a key: for each level (lowest first) whether it holds and whether it clears."""

    at: datetime
    holds: Sequence[bool]
    clears: Sequence[bool]
    sight: Sight


def see(timing: Timing, state: KeyState, word: Word) -> list[Turn]:
    """Take one event into `state` (changed in place); gives the turns, in order."""
    at, holds = word.at, word.holds
    if is_late(state, at):
        return []
    turns = pass_time(timing, state, at)
    if state.idle and not any(holds):
        return turns  # as if the clock had come first
    again = at == state.last_at
    if not again or any(holds):
        state.sight = word.sight
    state.last_at = at
    for level, (hold, clear) in zip(state.levels, zip(holds, word.clears, strict=True), strict=True):
        if hold:
            _hold(level, at)
        elif not again:
            _let_go(level, at, clear=clear)
    _switch(timing, state, at)
    if not state.first and any(holds):
        state.first = word.sight.event
    return [*turns, *_turn(timing, state, at)]


def pass_time(timing: Timing, state: KeyState, until: datetime) -> list[Turn]:
    """Let all deadlines up to `until` pass, in order; each turn carries its deadline's time."""
    turns: list[Turn] = []
    while (at := next_deadline(timing, state)) is not None and at <= until:
        state.passed_at = at
        _switch(timing, state, at)
        turns += _turn(timing, state, at)
    return turns


def is_late(state: KeyState, at: datetime) -> bool:
    """Say whether an event of this time comes after something newer has counted."""
    return at < state.last_at or (state.passed_at is not None and at < state.passed_at)


def next_deadline(timing: Timing, state: KeyState) -> datetime | None:
    """Give when this key changes by time alone, None when it never does."""
    times = [at for i, level in enumerate(state.levels) if (at := _deadline(timing, i, level)) is not None]
    return min(times, default=None)


def _deadline(timing: Timing, i: int, level: LevelState) -> datetime | None:
    if level.clearing is not None:
        return level.clearing + timing.clear_for
    end_at = level.held_at + timing.gap if timing.gap is not None and level.held_at is not None else None
    if level.since is None or level.on:
        return end_at
    return level.since + timing.holds[i] if end_at is None else end_at


def _hold(level: LevelState, at: datetime) -> None:
    level.since = at if level.since is None else level.since
    level.held_at = at
    level.clearing = None


def _let_go(level: LevelState, at: datetime, *, clear: bool) -> None:
    if not level.on:
        level.since = level.held_at = None
    elif not clear:
        # between both thresholds: neither holds nor clears, and it is proof that somebody still looks
        level.clearing, level.held_at = None, at
    elif level.clearing is None:
        level.clearing = at


def _switch(timing: Timing, state: KeyState, at: datetime) -> None:
    """Turn levels on and off whose time has come at `at`."""
    for i, level in enumerate(state.levels):
        if not level.on and _ripe(timing, i, level, at):
            level.on = True
        if timing.gap is not None and level.held_at is not None and level.held_at + timing.gap <= at:
            _run_out(level, level.held_at + timing.gap)
        if level.clearing is not None and level.clearing + timing.clear_for <= at:
            level.on, level.since, level.held_at, level.clearing = False, None, None, None


def _ripe(timing: Timing, i: int, level: LevelState, at: datetime) -> bool:
    """Say whether a level has held for its time: by the clock, or where a `gap` is set, as its own events prove."""
    proven_at = level.held_at if timing.gap is not None else at
    return level.since is not None and proven_at is not None and level.since + timing.holds[i] <= proven_at


def _run_out(level: LevelState, at: datetime) -> None:
    """Nobody spoke for `gap`: a pending level is forgotten, a firing one begins to clear."""
    if not level.on:
        level.since = level.held_at = None
    elif level.clearing is None:
        level.clearing = at


def _turn(timing: Timing, state: KeyState, at: datetime) -> list[Turn]:
    on = [severity for severity, level in zip(timing.severities, state.levels, strict=True) if level.on]
    before, now = state.severity, max(on, default=0)
    if now == before or state.sight is None:
        _rest(state)
        return []
    action = Action.RAISE if before == 0 else Action.UPDATE if now else Action.CLEAR
    state.started_at = at if state.started_at is None else state.started_at
    evidence = tuple(dict.fromkeys((state.first or state.sight.event, state.sight.event)))
    turn = Turn(action, at, now or before, state.started_at, state.sight, evidence)
    state.severity = now
    if now == 0:
        state.started_at = None
    _rest(state)
    return [turn]


def _rest(state: KeyState) -> None:
    """Forget what an idle key need not remember."""
    if state.idle:
        state.sight, state.first = None, ""
