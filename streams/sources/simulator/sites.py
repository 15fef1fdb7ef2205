"""The made-up devices and units of the demo: reads sites.csv and units.csv, gives them as records.

River stations stand at the approximate places of the real ones; all other devices are invented.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

from schemas.events import Lane

RIVER, RAIN, AIR, NOISE, STREET = "demo-river", "demo-rain", "demo-air", "demo-noise", "demo-street"
CAMERAS, UNITS, REPORTS = "demo-cameras", "demo-units", "demo-reports"

#: Seconds between two events of a device (domain study 3.9); None: irregular. River gauges go to 5 min in flood.
CADENCE_S: dict[str, float | None] = {
    RIVER: 600,
    RAIN: 600,
    AIR: 300,
    NOISE: 900,
    STREET: 120,
    CAMERAS: 120,
    UNITS: 15,
    REPORTS: None,
}
LANES: dict[str, Lane] = {
    source: Lane.PRIORITY if source in (CAMERAS, UNITS, REPORTS) else Lane.BULK for source in CADENCE_S
}


@dataclass(frozen=True, slots=True)
class Site:
    """One device: `city` is bmt, tuyhoa or empty."""

    id: str
    source: str
    kind: str
    title: str
    lon: float
    lat: float
    metrics: tuple[str, ...]
    city: str


@dataclass(frozen=True, slots=True)
class Team:
    """One unit with its phone; it patrols a circle of `radius_m` around `lon`, `lat`, its home area."""

    id: str
    name: str
    kind: str
    agency: str
    lon: float
    lat: float
    radius_m: float


@cache
def sites(source: str) -> tuple[Site, ...]:
    """Give the devices of a source."""
    return tuple(site for site in all_sites() if site.source == source)


@cache
def all_sites() -> tuple[Site, ...]:
    """Give all devices."""
    return tuple(
        Site(
            row["id"],
            row["source"],
            row["kind"],
            row["title"],
            float(row["lon"]),
            float(row["lat"]),
            tuple(row["metrics"].split()),
            row["city"],
        )
        for row in _rows("sites.csv")
    )


@cache
def teams() -> tuple[Team, ...]:
    """Give all units."""
    return tuple(
        Team(
            row["id"],
            row["name"],
            row["kind"],
            row["agency"],
            float(row["lon"]),
            float(row["lat"]),
            float(row["radius_m"]),
        )
        for row in _rows("units.csv")
    )


def site(device: str) -> Site:
    """Give one device; raises KeyError when it is not in the list."""
    return {candidate.id: candidate for candidate in all_sites()}[device]


def _rows(name: str) -> Iterator[dict[str, str]]:
    text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    return csv.DictReader(text.splitlines())
