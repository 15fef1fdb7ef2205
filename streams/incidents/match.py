"""Says whether a signal tells of the same thing as an incident, and why: distance, delay, reason."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta

from geo.projection import distance_m
from schemas.events import Action, Incident, Signal, Text
from schemas.standing import Box, Reach

#: Metres of a degree of latitude at the equator, its smallest: farther apart in latitude alone needs no measuring.
_DEGREE_M = 110_574.0
#: A box is so much larger than it must be: distances are rounded, and measured on a sphere over short chords.
_MARGIN = 1.01
#: Metres; keeps a division finite at the poles.
_TINY = 1e-6

#: Why a signal belongs to an incident, for people.
REASONS: dict[str, Text] = {
    "first": Text(vi="Tín hiệu mở sự cố", en="The signal that opened the incident"),
    "episode": Text(vi="Cùng một đợt của cùng quy tắc", en="The same episode of the same rule"),
    "near": Text(vi="Cùng loại, gần về nơi và lúc", en="The same kind, near in place and time"),
    "commune": Text(vi="Cùng loại, cùng xã/phường, gần về lúc", en="The same kind and commune, near in time"),
}


@dataclass(frozen=True, slots=True)
class Match:
    """Why they belong together.

    `reason` is a key of REASONS, `distance_m` from the incident's place (None: one of them has none), `delay_s` after
    its newest signal (0 while it is active; below 0: before its first one).
    """

    reason: str
    distance_m: float | None
    delay_s: float

    @property
    def order(self) -> tuple[float, float]:
        """The nearest first, then the closest in time."""
        return (float("inf") if self.distance_m is None else self.distance_m, abs(self.delay_s))


def same_episode(signal: Signal, incident: Incident, *, active: bool) -> Match:
    """Give the match of a signal whose episode belongs to the incident already."""
    return Match("episode", distance_between(signal, incident), delay_between(signal, incident, active=active))


def match(signal: Signal, incident: Incident, *, active: bool) -> Match | None:
    """Give why a signal of a new episode joins the incident, None when it does not.

    The same kind, at most `merge_m` metres from the incident's place (its first signal's), and at most `merge_s`
    seconds from its signals; an active incident is present, whatever the time since its newest signal. Where one of
    them has no place, the same commune will do.
    """
    if signal.kind != incident.kind:
        return None
    delay_s = delay_between(signal, incident, active=active)
    if abs(delay_s) > signal.merge_s:
        return None
    if _placed(signal) and _placed(incident):
        metres = distance_between(signal, incident, limit_m=signal.merge_m)
        return Match("near", metres, delay_s) if metres is not None and metres <= signal.merge_m else None
    if signal.commune is not None and signal.commune == incident.commune:
        return Match("commune", None, delay_s)
    return None


def reach(signal: Signal) -> Reach:
    """Give what an incident must be at least for the signal to join it; every match of `match` is within."""
    merge = timedelta(seconds=signal.merge_s)
    begins = signal.action is not Action.CLEAR  # the end of an episode goes where the episode is, nowhere else
    return Reach(
        signal=signal.id,
        episode=signal.episode,
        kind=signal.kind,
        since=signal.observed_at - merge,
        until=signal.observed_at + merge,
        box=box_around(signal) if begins else None,
        commune=signal.commune if begins else None,
    )


def box_around(signal: Signal) -> Box | None:
    """Give a box that holds every place within `merge_m` metres of the signal's; None without a place."""
    if signal.lon is None or signal.lat is None:
        return None
    metres = signal.merge_m * _MARGIN + 1.0
    north_deg = metres / _DEGREE_M
    farthest = math.radians(min(90.0, abs(signal.lat) + north_deg))
    east_deg = metres / max(_DEGREE_M * math.cos(farthest), _TINY)
    west, east = signal.lon - east_deg, signal.lon + east_deg
    if west < -180.0 or east > 180.0:
        west, east = -180.0, 180.0
    return (west, signal.lat - north_deg, east, signal.lat + north_deg)


def delay_between(signal: Signal, incident: Incident, *, active: bool) -> float:
    """Give the seconds between the incident's time and the signal: 0 inside it, below 0 before it."""
    if signal.observed_at < incident.opened_at:
        return (signal.observed_at - incident.opened_at).total_seconds()
    if active:
        return 0.0
    return max(0.0, (signal.observed_at - incident.last_signal_at).total_seconds())


def distance_between(signal: Signal, incident: Incident, limit_m: float = float("inf")) -> float | None:
    """Give the metres between their places, rounded to 0.1 m; None without places or surely beyond the limit."""
    if signal.lon is None or signal.lat is None or incident.lon is None or incident.lat is None:
        return None
    if abs(signal.lat - incident.lat) * _DEGREE_M > limit_m:
        return None
    return round(distance_m(signal.lon, signal.lat, incident.lon, incident.lat), 1)


def _placed(thing: Signal | Incident) -> bool:
    return thing.lon is not None and thing.lat is not None
