"""Small steps on the ground: metres east and north of a place, and distances, exact enough within a city."""

from __future__ import annotations

import math

#: Mean metres in a degree of latitude on WGS 84 at 13 degrees north, and of longitude at the equator.
METRES_PER_LAT = 110_640.0
METRES_PER_LON = 111_320.0


def offset(lon: float, lat: float, east_m: float, north_m: float) -> tuple[float, float]:
    """Give lon, lat so many metres east and north of a place."""
    per_lon = METRES_PER_LON * math.cos(math.radians(lat))
    return round(lon + east_m / per_lon, 6), round(lat + north_m / METRES_PER_LAT, 6)


def distance_m(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Give the distance in metres of two places (lon, lat) that are near each other."""
    per_lon = METRES_PER_LON * math.cos(math.radians((a[1] + b[1]) / 2))
    return math.hypot((b[0] - a[0]) * per_lon, (b[1] - a[1]) * METRES_PER_LAT)


def ring(lon: float, lat: float, radius_m: float, corners: int = 24) -> list[list[float]]:
    """Give a closed ring of `corners` corners, counter-clockwise, that lies within `radius_m` of a place."""
    turns = [2 * math.pi * i / corners for i in range(corners)]
    points = [list(offset(lon, lat, radius_m * math.cos(turn), radius_m * math.sin(turn))) for turn in turns]
    return [*points, points[0]]
