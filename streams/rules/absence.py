"""The pure machine of silence: a key that was heard of and then was not, for longer than its time-out.

Times of events are counted in slots (a quarter of the time-out, at least a minute), so that a chatty device does not
change its state with every event; silence is therefore noticed up to one slot late, at the same time on every run.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from schemas.events import Action, Observation
from streams.rules.machine import Turn
from streams.rules.state import AbsentState, AnyState, Sight

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHORTEST_SLOT = timedelta(minutes=1)


def deadline_after(at: datetime, timeout: timedelta) -> datetime:
    """Give when a key last heard of at `at` counts as absent: the end of its slot plus the time-out."""
    slot = slot_of(timeout)
    return at - (at - _EPOCH) % slot + slot + timeout


def slot_of(timeout: timedelta) -> timedelta:
    """Give how long events count as one: slots of this length follow each other from 1970 on."""
    return max(_SHORTEST_SLOT, timeout / 4)


def is_news(state: AnyState | None, at: datetime, timeout: timedelta) -> bool:
    """Say whether an event of this time changes anything: it lies after the slot that counts already."""
    return not isinstance(state, AbsentState) or (at > state.last_at and at + timeout >= state.deadline)


def hear(state: AbsentState, at: datetime, timeout: timedelta, sight: Sight, severity: int) -> list[Turn]:
    """Take one event into `state` (changed in place); gives the turns, in order."""
    if at <= state.last_at:
        return []
    turns = pass_time(state, at, severity)
    if state.started_at is not None:
        turns.append(_turn(Action.CLEAR, max(at, state.started_at), state, severity))
        state.started_at = None
    state.last_at, state.sight = at, sight
    state.deadline = max(state.deadline, deadline_after(at, timeout))
    return turns


def pass_time(state: AbsentState, until: datetime, severity: int) -> list[Turn]:
    """Let the deadline pass when it is due."""
    if state.started_at is not None or state.deadline > until:
        return []
    state.started_at = state.deadline
    return [_turn(Action.RAISE, state.deadline, state, severity)]


def _turn(action: Action, at: datetime, state: AbsentState, severity: int) -> Turn:
    """Its evidence is the last event before the silence (an observation's id is made here, not with every reading)."""
    sight = state.sight
    event = sight.event or Observation.identity(sight.device or "", sight.metric or "", state.last_at)
    return Turn(action, at, severity, state.started_at or at, sight, (event,))
