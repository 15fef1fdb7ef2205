"""Zones of the demo besides the communes: two squares and the home areas of the units, all approximate circles."""

from __future__ import annotations

from datetime import date

from schemas.events import Zone
from streams.sources.simulator.places import ring
from streams.sources.simulator.sites import site, teams

SINCE = date(2025, 7, 1)
SQUARE_RADIUS_M = 150.0
#: Code -> (name, the camera in its middle).
_SQUARES = {
    "10-3": ("Quảng trường 10-3, Buôn Ma Thuột", "camera:01"),
    "nghinh-phong": ("Quảng trường Nghinh Phong, Tuy Hoà", "camera:25"),
}


def zones() -> tuple[Zone, ...]:
    """Give the squares, then the units' areas."""
    squares = tuple(_square(code, name, camera) for code, (name, camera) in _SQUARES.items())
    return squares + tuple(
        _circle("unit_area", team.id, f"Địa bàn của {team.name}", (team.lon, team.lat), team.radius_m)
        for team in teams()
    )


def unit_area(unit: str) -> str:
    """Give the id of the zone that a unit must stay in."""
    return f"unit_area:{unit}"


def _square(code: str, name: str, camera: str) -> Zone:
    middle = site(camera)
    return _circle("square", code, name, (middle.lon, middle.lat), SQUARE_RADIUS_M)


def _circle(kind: str, code: str, name: str, middle: tuple[float, float], radius_m: float) -> Zone:
    return Zone(
        id=f"{kind}:{code}",
        kind=kind,
        code=code,
        name=name,
        geometry={"type": "Polygon", "coordinates": [ring(*middle, radius_m)]},
        valid_from=SINCE,
        approximate=True,
    )
