"""Which of the values that signals told of an incident shows: the newest, and the gravest."""

from __future__ import annotations

from schemas.events import Action, Incident, Reading, Signal


def latest(old: Incident, signal: Signal) -> Reading | None:
    """Give the newest reading now that `signal` has joined."""
    new = _reading(signal)
    if new is None or (old.latest is not None and old.latest.at > new.at):
        return old.latest
    return new


def gravest(old: Incident, signal: Signal) -> Reading | None:
    """Give the gravest reading now that `signal` has joined; what ended is never graver."""
    new, held = _reading(signal), old.gravest
    if new is None or signal.action is Action.CLEAR or signal.severity < old.severity:
        return held
    if held is None or signal.severity > old.severity or _beyond(new) > _beyond(held):
        return new
    return held


def _reading(signal: Signal) -> Reading | None:
    """Give what a signal measured; a value without a metric (a confidence, a count) has no unit to be shown in."""
    if signal.device is None or signal.metric is None or signal.value is None:
        return None
    return Reading(signal.device, signal.metric, signal.value, signal.threshold, signal.observed_at)


def _beyond(reading: Reading) -> float:
    return 0.0 if reading.threshold is None else abs(reading.value - reading.threshold)
