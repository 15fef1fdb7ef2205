"""Says how a unit stands to a zone: reads its fixes one by one, gives enter, exit, inside, outside, cross, dwell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

import shapely

from geo.zones import ZoneIndex


class Relation(StrEnum):
    """The words of a fence; one step can have several (a unit that enters is also inside)."""

    ENTER = "enter"  # outside before, inside now
    EXIT = "exit"  # inside before, outside now
    INSIDE = "inside"  # inside now
    OUTSIDE = "outside"  # outside now
    CROSS = "cross"  # outside before and now, but the straight way between goes through the zone
    DWELL = "dwell"  # inside for at least the dwell time, without a known exit


@dataclass(frozen=True, slots=True)
class Fix:
    """One position of a unit: degrees (WGS 84), event time, radius of the 68 % circle in metres (None: unknown)."""

    lon: float
    lat: float
    at: datetime
    accuracy_m: float | None = None


@dataclass(frozen=True, slots=True)
class Stand:
    """How one fix lies to a zone: `inside` when the circle's centre is in the zone or on its edge.

    `uncertain` when the edge is nearer than the accuracy: the centre may be on the wrong side. `edge_m` is the
    distance to the edge from either side.
    """

    inside: bool
    uncertain: bool
    edge_m: float


@dataclass(frozen=True, slots=True)
class Presence:
    """What must be kept of a unit and a zone from fix to fix.

    `inside` is the side that is taken as true, `since` the time of the fix that put the unit there, `sure` the newest
    fix that was not uncertain (or the first one), `last_at` the time of the newest fix.
    """

    inside: bool
    since: datetime
    sure: Fix
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Step:
    """The outcome of one fix: what to keep, what holds now, and whether the fix itself was too near to the edge."""

    presence: Presence
    relations: frozenset[Relation]
    uncertain: bool


def stand(index: ZoneIndex, zone_id: str, fix: Fix) -> Stand:
    """Give how a fix lies to a zone; raises KeyError for an unknown zone."""
    edge_m = index.edge_m(zone_id, fix.lon, fix.lat)
    inside = bool(shapely.intersects_xy(index.shape(zone_id), fix.lon, fix.lat))
    return Stand(inside, fix.accuracy_m is not None and edge_m < fix.accuracy_m, edge_m)


def step(index: ZoneIndex, zone_id: str, before: Presence | None, fix: Fix, *, dwell_s: float | None = None) -> Step:
    """Give what a new fix changes; `before` is None for the first fix of this unit and zone.

    An uncertain fix never changes sides: a unit that stands at the edge does not enter and exit with the noise of its
    receiver. The first fix takes its centre's side, uncertain or not, and enters nothing. A fix that is not newer
    than the last one changes nothing; hand fixes over in order of `at`. With `dwell_s` the relation dwell holds from
    that many seconds inside on.
    """
    if before is not None and fix.at <= before.last_at:
        return Step(before, frozenset({_side(before)}), uncertain=False)
    here = stand(index, zone_id, fix)
    presence = _next(before, here, fix)
    crossing = before is not None and not here.uncertain and _crosses(index, zone_id, before, presence)
    return Step(presence, frozenset(_relations(before, presence, dwell_s, crossing=crossing)), here.uncertain)


def _next(before: Presence | None, here: Stand, fix: Fix) -> Presence:
    if before is None:
        return Presence(here.inside, fix.at, sure=fix, last_at=fix.at)
    if here.uncertain:
        return replace(before, last_at=fix.at)
    since = before.since if here.inside == before.inside else fix.at
    return Presence(here.inside, since, sure=fix, last_at=fix.at)


def _side(presence: Presence) -> Relation:
    return Relation.INSIDE if presence.inside else Relation.OUTSIDE


def _relations(before: Presence | None, now: Presence, dwell_s: float | None, *, crossing: bool) -> Iterator[Relation]:
    yield _side(now)
    if before is not None and before.inside != now.inside:
        yield Relation.ENTER if now.inside else Relation.EXIT
    if now.inside and dwell_s is not None and (now.last_at - now.since).total_seconds() >= dwell_s:
        yield Relation.DWELL
    if crossing:
        yield Relation.CROSS


def _crosses(index: ZoneIndex, zone_id: str, before: Presence, now: Presence) -> bool:
    """Say whether a unit that was outside and is outside went through the zone on the straight way between."""
    if before.inside or now.inside:
        return False
    way = shapely.LineString([(before.sure.lon, before.sure.lat), (now.sure.lon, now.sure.lat)])
    return bool(shapely.crosses(index.shape(zone_id), way))
