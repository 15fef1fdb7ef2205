"""Turns foreign coordinates into lon, lat of WGS 84 and positions into metres; the only place that knows datums."""

from __future__ import annotations

import math
from functools import cache
from typing import overload

import numpy as np
import numpy.typing as npt
from pyproj import Transformer

from schemas.errors import PoisonMessageError
from schemas.events import Reason

Floats = npt.NDArray[np.float64]

WGS84 = 4326

#: Half axis (m) and flattening of the WGS 84 ellipsoid (EPSG:7030); VN-2000 uses the same one, shifted and turned.
_A_M = 6_378_137.0
_F = 1 / 298.257223563
_E2 = _F * (2 - _F)
#: Mean radius of the ellipsoid, (2a + b) / 3 (m).
_MEAN_RADIUS_M = 6_371_008.8

#: "VN-2000 to WGS 84 (2)", EPSG:6960, accuracy 1 m: coordinate frame rotation, metres, arc seconds, ppm. Written out
#: so that the result depends neither on the version of PROJ's database nor on a grid from the network, and so that
#: PROJ cannot choose EPSG:1172 "(1)" or no shift at all, which would move Buôn Ma Thuột by 225.6 m.
_SHIFT = (
    "+step +proj=push +v_3 +step +proj=cart +ellps=WGS84 "
    "+step +proj=helmert +x=-191.90441429 +y=-39.30318279 +z=-111.45032835 "
    "+rx=-0.00928836 +ry=0.01975479 +rz=-0.00427372 +s=0.252906278 +convention=coordinate_frame "
    "+step +inv +proj=cart +ellps=WGS84 +step +proj=pop +v_3"
)
#: VN-2000 grids by EPSG code: TM-3 with meridian 108°30' (Đắk Lắk, Phú Yên), UTM 48N and 49N (they meet at 108°E).
_GRIDS = {
    9218: "+proj=tmerc +lat_0=0 +lon_0=108.5 +k=0.9999 +x_0=500000 +y_0=0 +ellps=WGS84",
    3405: "+proj=utm +zone=48 +ellps=WGS84",
    3406: "+proj=utm +zone=49 +ellps=WGS84",
}
#: EPSG codes of the systems that we can read.
SRIDS = frozenset({WGS84, *_GRIDS})
#: Where VN-2000 positions can be: Viet Nam with its sea and both archipelagos (west, south, east, north; degrees).
_VIET_NAM = (102.0, 6.0, 118.0, 24.0)
_WORLD = (-180.0, -90.0, 180.0, 90.0)


@overload
def to_wgs84(x: float, y: float, srid: int) -> tuple[float, float]: ...
@overload
def to_wgs84(x: Floats, y: Floats, srid: int) -> tuple[Floats, Floats]: ...
def to_wgs84(x: float | Floats, y: float | Floats, srid: int) -> tuple[float, float] | tuple[Floats, Floats]:
    """Give lon, lat (degrees, WGS 84) of x = east, y = north in the system `srid`: 4326, 9218, 3405 or 3406.

    The order is always east, north (lon, lat). Vietnamese survey sheets call north X and east Y: swap them before.
    Swapped or foreign coordinates land outside Viet Nam and are refused: PoisonMessageError `bad_position`, also for
    an unknown srid, for NaN, and for arrays when any one position is bad (the message has its index).
    """
    east, north = np.atleast_1d(np.asarray(x, dtype=np.float64)), np.atleast_1d(np.asarray(y, dtype=np.float64))
    if srid == WGS84:
        lon, lat, area = east, north, _WORLD
    else:
        lon, lat = _from_vn2000(srid).transform(east, north)
        area = _VIET_NAM
    _refuse_outside(lon, lat, area, srid)
    return (float(lon[0]), float(lat[0])) if np.ndim(x) == 0 else (lon, lat)


def from_wgs84(lon: float, lat: float, srid: int) -> tuple[float, float]:
    """Give x = east, y = north (m) of a position in a VN-2000 grid: the inverse of `to_wgs84`."""
    x, y = _from_vn2000(srid).transform(lon, lat, direction="INVERSE")
    return float(x), float(y)


@cache
def _from_vn2000(srid: int) -> Transformer:
    grid = _GRIDS.get(srid)
    if grid is None:
        known = ", ".join(str(code) for code in (WGS84, *_GRIDS))
        raise PoisonMessageError(Reason.BAD_POSITION, f"unknown srid {srid}: known are {known}", field="srid")
    steps = f"+proj=pipeline +step +inv {grid} {_SHIFT} +step +proj=unitconvert +xy_in=rad +xy_out=deg"
    return Transformer.from_pipeline(steps)


def _refuse_outside(lon: Floats, lat: Floats, area: tuple[float, float, float, float], srid: int) -> None:
    west, south, east, north = area
    good = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)  # False for NaN
    if good.all():
        return
    first = int(np.argmin(good))
    hint = "" if srid == WGS84 else " (x is east and y is north: are they swapped?)"
    raise PoisonMessageError(
        Reason.BAD_POSITION, f"position {first} is outside the area of EPSG:{srid}{hint}", field="position"
    )


@overload
def distance_m(lon_a: float, lat_a: float, lon_b: float, lat_b: float) -> float: ...
@overload
def distance_m(lon_a: Floats, lat_a: Floats, lon_b: Floats | float, lat_b: Floats | float) -> Floats: ...
def distance_m(
    lon_a: float | Floats, lat_a: float | Floats, lon_b: float | Floats, lat_b: float | Floats
) -> float | Floats:
    """Give the metres between positions on the ellipsoid of WGS 84; arrays are taken element by element.

    The chord through the ellipsoid is bent to an arc of the mean radius: the error against the geodesic is below
    1e-6 of the distance up to 100 km, below 0.6 % up to 10,000 km, below 5 % anywhere. Symmetric, and sound at
    poles and the antimeridian; NaN gives NaN.
    """
    ax, ay, az = _ecef_m(lon_a, lat_a)
    bx, by, bz = _ecef_m(lon_b, lat_b)
    chord = np.sqrt((ax - bx) ** 2 + (ay - by) ** 2 + (az - bz) ** 2)
    arc = _arc_m(chord)
    return float(arc) if np.ndim(arc) == 0 else arc


def to_local_m(lon: Floats, lat: Floats, lon_0: float, lat_0: float) -> tuple[Floats, Floats]:
    """Give metres east and north of a centre: distances from the centre are those of `distance_m`.

    An azimuthal projection; straight edges in degrees stay straight within 0.5 m for edges of 10 km and within 60 m
    for edges of 100 km at the latitudes of Viet Nam.
    """
    x, y, z = _ecef_m(lon, lat)
    x0, y0, z0 = _ecef_m(lon_0, lat_0)
    dx, dy, dz = x - x0, y - y0, z - z0
    sin_lon, cos_lon = math.sin(math.radians(lon_0)), math.cos(math.radians(lon_0))
    sin_lat, cos_lat = math.sin(math.radians(lat_0)), math.cos(math.radians(lat_0))
    east = cos_lon * dy - sin_lon * dx
    north = cos_lat * dz - sin_lat * (cos_lon * dx + sin_lon * dy)
    flat = np.hypot(east, north)
    stretch = np.divide(_arc_m(np.sqrt(dx**2 + dy**2 + dz**2)), flat, out=np.ones_like(flat), where=flat > 0)
    return east * stretch, north * stretch


def _ecef_m(lon: float | Floats, lat: float | Floats) -> tuple[Floats, Floats, Floats]:
    """Give earth-centred coordinates (m) of positions on the ellipsoid."""
    east, north = np.radians(lon), np.radians(lat)
    sin_lat, cos_lat = np.sin(north), np.cos(north)
    normal = _A_M / np.sqrt(1 - _E2 * sin_lat**2)
    return normal * cos_lat * np.cos(east), normal * cos_lat * np.sin(east), normal * (1 - _E2) * sin_lat


def _arc_m(chord: Floats) -> Floats:
    """Bend chords to arcs of the mean radius."""
    return np.asarray(2 * _MEAN_RADIUS_M * np.arcsin(np.minimum(chord / (2 * _MEAN_RADIUS_M), 1.0)))
