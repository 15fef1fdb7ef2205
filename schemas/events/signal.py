"""What a rule found: raise, update or clear, with evidence."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from schemas.events.base import Record, Text, derive_id


class Action(StrEnum):
    """What a signal says of its episode."""

    RAISE = "raise"  # the episode begins
    UPDATE = "update"  # severity changed, or it goes on
    CLEAR = "clear"  # the condition no longer holds


class Signal(Record, frozen=True, tag="signal.v1", tag_field="type"):
    """One finding of a rule about one key (a device, a zone, a unit).

    An episode is the time from raise to clear; `episode` is its id and follows from rule, key and `started_at`, so
    crash and replay give the same. `kind` is the incident kind, `severity` 1 to 5, `value` and `threshold` what was
    compared, `evidence` the ids of the events that led here, newest last. `merge_m` and `merge_s` say within what
    distance and time signals of one kind are one incident. `marks` holds `simulated` when its evidence was.
    """

    id: str
    rule: str
    rule_version: int
    kind: str
    action: Action
    key: str
    episode: str
    severity: int
    started_at: datetime
    observed_at: datetime
    title: Text
    lon: float | None = None
    lat: float | None = None
    commune: str | None = None
    zone: str | None = None
    device: str | None = None
    metric: str | None = None
    value: float | None = None
    threshold: float | None = None
    evidence: tuple[str, ...] = ()
    merge_m: float = 500.0
    merge_s: float = 1800.0
    marks: tuple[str, ...] = ()

    @staticmethod
    def episode_id(rule: str, key: str, started_at: datetime) -> str:
        """Give the identity of an episode."""
        return derive_id("episode", rule, key, started_at.isoformat())

    @staticmethod
    def identity(episode: str, action: Action, severity: int, observed_at: datetime) -> str:
        """Give the identity of one signal of an episode."""
        return derive_id("signal", episode, action, str(severity), observed_at.isoformat())
