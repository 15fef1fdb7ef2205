"""Writes raw messages in Canh's own JSON, the format `native`, with stable bytes."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from schemas.metrics import METRICS
from streams.sources.simulator.abstract import Emission
from streams.sources.simulator.sites import CAMERAS, LANES, REPORTS, UNITS, Site, Team


class Seen(NamedTuple):
    """What a camera saw: a class, how sure it is (0 to 1), how many at once."""

    label: str
    confidence: float
    number: int = 1


_encode = msgspec.json.Encoder().encode


def observation(site: Site, metric: str, value: float, at: datetime, delay_s: float) -> Emission:
    """Write one measured value in the metric's own unit, sent `delay_s` after it was measured."""
    body = {
        "type": "observation",
        "device": site.id,
        "metric": metric,
        "value": value,
        "unit": METRICS[metric].unit,
        "observed_at": at.isoformat(),
        "lon": site.lon,
        "lat": site.lat,
    }
    return _emission(site.source, site.id, at, delay_s, body)


def detection(site: Site, seen: Seen, at: datetime, delay_s: float) -> Emission:
    """Write one sighting of a camera."""
    body = {
        "type": "detection",
        "id": f"{site.id}-{seen.label}-{_ms(at)}",
        "device": site.id,
        "label": seen.label,
        "confidence": round(seen.confidence, 2),
        "count": seen.number,
        "observed_at": at.isoformat(),
        "lon": site.lon,
        "lat": site.lat,
    }
    return _emission(CAMERAS, site.id, at, delay_s, body)


def position(
    team: Team, place: tuple[float, float], at: datetime, delay_s: float, fields: dict[str, float]
) -> Emission:
    """Write one fix of a unit's phone; `fields` are accuracy_m, speed_mps, heading_deg and battery_pct."""
    body = {
        "type": "position",
        "id": f"{team.id}-{_ms(at)}",
        "unit": team.id,
        "observed_at": at.isoformat(),
        "lon": place[0],
        "lat": place[1],
        **fields,
    }
    return _emission(UNITS, team.id, at, delay_s, body)


def report(number: str, text: dict[str, str], place: tuple[float, float], at: datetime, delay_s: float) -> Emission:
    """Write one citizen's report; `text` has text, category, channel and urgency."""
    body = {"type": "report", "id": number, **text, "observed_at": at.isoformat(), "lon": place[0], "lat": place[1]}
    return _emission(REPORTS, number, at, delay_s, body)


def in_order(streams: Iterable[Iterator[Emission]]) -> Iterator[Emission]:
    """Merge streams that are each ordered by `send_at` into one; ties go to the earlier stream."""
    return heapq.merge(*streams, key=lambda emission: emission.send_at)


def _emission(source: str, device: str, at: datetime, delay_s: float, body: dict[str, Any]) -> Emission:
    send_at = at + timedelta(seconds=delay_s)
    return Emission(at, send_at, source, f"{source}/{device}", _encode(body), LANES[source])


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)
