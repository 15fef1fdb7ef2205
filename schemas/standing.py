"""What correlation asks of the store before it takes signals (reach), and what the store answers (standing)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from schemas.events import Incident

#: West, south, east, north in degrees.
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Reach:
    """What an incident must be for a signal to join it: at least that; correlation itself looks closely.

    Of this `kind`, not closed, opened at `until` or before, held by a rule or with a signal at `since` or after; inside
    `box`, or, where the incident or the signal (`box` None) has no place, of this `commune`. With neither box nor
    commune no incident will do but that of the signal's `episode`.
    """

    signal: str
    episode: str
    kind: str
    since: datetime
    until: datetime
    box: Box | None = None
    commune: str | None = None


@dataclass(frozen=True, slots=True)
class Episode:
    """One episode of an incident: the key (device, unit, zone) that its rule told of, and when it was cleared."""

    key: str
    cleared_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand for some signals.

    `linked` are those that belong to an incident already, `homes` the incident of each known episode, `incidents` all
    that are in reach and all homes (closed ones too; more do no harm), `episodes` those of each of these incidents.
    """

    linked: frozenset[str] = frozenset()
    homes: Mapping[str, str] = field(default_factory=dict)
    incidents: tuple[Incident, ...] = ()
    episodes: Mapping[str, Mapping[str, Episode]] = field(default_factory=dict)
