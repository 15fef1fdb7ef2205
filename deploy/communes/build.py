"""Makes the approximate communes, run by hand: reads vietnamadminunits' centroids and areas, writes a GeoJSON file.

    python -m deploy.communes.build    # needs the extra "dev", takes half a minute

The package has no shapes. So each unit gets the cell of a power diagram: a Voronoi diagram in which larger units weigh
more. Its sites are moved until the centre of each cell comes near to its unit's centroid. Units of the neighbour
provinces take part, so the land border follows from them; what is out of reach of every unit (the sea, the country next
door) is left out.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from importlib import metadata, resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

TARGET = Path(__file__).with_name("dak-lak-approximate.geojson")
#: Đắk Lắk since 1 July 2025, with former Phú Yên (code of the General Statistics Office).
PROVINCE = "66"
SOURCE = (
    "Approximate, not official: power diagram of the centroids and areas in vietnamadminunits 1.0.4 (MIT License, "
    "Copyright (c) 2025 Tran Ngoc Minh Hieu)"
)
#: Neighbours within this many degrees of the province's centroids take part.
MARGIN_DEG = 0.45
#: Kilometres of a degree of longitude (at 12.9° north) and of latitude: a flat map of the province, within 0.5 %.
KM_PER_DEG = np.array([108.53, 110.64])
#: Side of the grid on which the centres of cells are measured.
STEP_KM = 0.6
ROUNDS = 15
#: How much areas weigh: 0 is a Voronoi diagram, 1 gives a lone unit its own area. A few areas in the package are wrong
#: by a factor of 7, so they get a small say.
WEIGHT = 0.3
#: A site stays within this share of the way to the next unit's centroid, so that no cell runs away.
ROOM = 0.3
#: A unit reaches as far from its centroid as a disc of this many times its area.
REACH = 1.6
#: Only the cells of the nearest units are compared with each other.
NEIGHBOURS = 16
#: Bays and gaps of the outline narrower than twice this are closed.
CLOSE_KM = 4.0
#: Grid of the written coordinates in degrees, about 1 m.
GRID_DEG = 1e-5

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Units:
    """Commune-level units as columns: `own` are those of the province, `centre_km` on the flat map, `area_km2`."""

    code: list[str]
    name: list[str]
    full_name: list[str]
    own: npt.NDArray[np.bool_]
    centre_km: Floats
    area_km2: Floats


def read_units() -> Units:
    """Give the units of the province and those around it, as the package has them."""
    path = resources.files("vietnamadminunits") / "data" / "dataset.db"
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        rows = database.execute(
            "SELECT wardCode, wardShort, ward, provinceCode, wardLon, wardLat, wardAreaKm2 FROM admin_units ORDER BY 1"
        ).fetchall()
    at = np.array([row[4:6] for row in rows])
    own = np.array([row[3] == PROVINCE for row in rows])
    low, high = at[own].min(axis=0) - MARGIN_DEG, at[own].max(axis=0) + MARGIN_DEG
    near = np.flatnonzero(((at >= low) & (at <= high)).all(axis=1))
    return Units(
        code=[rows[i][0] for i in near],
        name=[rows[i][1] for i in near],
        full_name=[rows[i][2] for i in near],
        own=own[near],
        centre_km=at[near] * KM_PER_DEG,
        area_km2=np.array([rows[i][6] for i in near]),
    )


def weigh(units: Units) -> Floats:
    """Give each unit's weight (km²); none is so heavy that its cell would take in a neighbour's centroid."""
    apart = _square_km2(units.centre_km, units.centre_km) + np.diag(np.full(len(units.code), np.inf))
    weights = WEIGHT * units.area_km2 / np.pi
    lightest: Floats = (weights + 0.6 * apart).min(axis=1)
    return np.minimum(weights, lightest)


def place_sites(units: Units, weights: Floats) -> Floats:
    """Give sites (km) whose cells have their centres near the units' centroids."""
    grid = _grid(units)
    near = _nearest(grid, units.centre_km)
    room = ROOM * np.sqrt(np.sort(_square_km2(units.centre_km, units.centre_km), axis=1)[:, 1])
    sites = units.centre_km.copy()
    for _ in range(ROUNDS):
        centres = _centres(grid, _owners(grid, near, sites, weights, units), sites)
        moved = sites + 0.3 * (units.centre_km - centres) - units.centre_km
        length = np.maximum(np.hypot(moved[:, 0], moved[:, 1]), 1e-9)
        sites = units.centre_km + moved * np.minimum(1, room / length)[:, None]
    return sites


def _square_km2(a: Floats, b: Floats) -> Floats:
    square: Floats = ((a[:, None, :] - b[None, :, :]) ** 2).sum(axis=-1)
    return square


def _grid(units: Units) -> Floats:
    low, high = units.centre_km.min(axis=0) - 10, units.centre_km.max(axis=0) + 10
    east, north = (np.arange(low[axis], high[axis], STEP_KM) for axis in (0, 1))
    return np.stack(np.meshgrid(east, north), axis=-1).reshape(-1, 2)


def _nearest(grid: Floats, centres: Floats) -> Indices:
    """Give the nearest units of each point, piece by piece to spare memory."""
    pieces = np.array_split(grid, len(grid) // 20_000 + 1)
    return np.concatenate([np.argsort(_square_km2(piece, centres), axis=1)[:, :NEIGHBOURS] for piece in pieces])


def _owners(grid: Floats, near: Indices, sites: Floats, weights: Floats, units: Units) -> Indices:
    """Give the unit of each point, -1 out of reach of its unit."""
    powers = ((grid[:, None, :] - sites[near]) ** 2).sum(axis=-1) - weights[near]
    owner = near[np.arange(len(grid)), powers.argmin(axis=1)]
    square = ((grid - units.centre_km[owner]) ** 2).sum(axis=1)
    return np.where(square <= REACH * units.area_km2[owner] / np.pi, owner, -1)


def _centres(grid: Floats, owner: Indices, sites: Floats) -> Floats:
    """Give the centre of each unit's points, its site where it has none."""
    held, mine = grid[owner >= 0], owner[owner >= 0]
    counts = np.bincount(mine, minlength=len(sites))
    sums = np.stack([np.bincount(mine, held[:, axis], len(sites)) for axis in (0, 1)], axis=1)
    return np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], sites)


def cells(units: Units, sites: Floats, weights: Floats) -> dict[int, Any]:
    """Give the polygon (km) of each unit of the province: its power cell inside the outline of all units."""
    whole = [_cell(i, sites, weights) for i in range(len(sites))]
    radii = np.sqrt(REACH * units.area_km2 / np.pi)
    discs = shapely.buffer(shapely.points(units.centre_km), radii)
    land = shapely.union_all(shapely.intersection(whole, discs))
    closed = land.buffer(CLOSE_KM).buffer(-CLOSE_KM)
    outline = shapely.union_all([shapely.Polygon(part.exterior) for part in shapely.get_parts(closed)])
    inside = {i: shapely.get_parts(whole[i].intersection(outline)) for i in np.flatnonzero(units.own).tolist()}
    return {i: parts[np.argmax(shapely.area(parts))] for i, parts in inside.items()}  # crumbs of the outline fall off


def _cell(i: int, sites: Floats, weights: Floats) -> Any:
    """Give the power cell of a unit: the half-planes towards its neighbours, cut out of a square of 100 km."""
    cell = shapely.box(*(sites[i] - 50), *(sites[i] + 50))
    for j in np.argsort(((sites - sites[i]) ** 2).sum(axis=1))[1:60]:
        way = sites[j] - sites[i]
        length = float(np.hypot(*way))
        along = way / length
        # the dividing line crosses the way from i to j where both powers are equal
        foot = sites[i] + along * ((length**2 + weights[i] - weights[j]) / (2 * length))
        across = np.array([-along[1], along[0]]) * 300
        half = shapely.Polygon([foot + across, foot - across, foot - across - along * 300, foot + across - along * 300])
        cell = cell.intersection(half)
    return cell


def main() -> None:
    """Build and write the file."""
    units = read_units()
    weights = weigh(units)
    polygons = cells(units, place_sites(units, weights), weights)
    TARGET.write_text(json.dumps(_document(units, polygons), ensure_ascii=False, separators=(",", ":")), "utf-8")


def _document(units: Units, polygons: dict[int, Any]) -> dict[str, Any]:
    """Give the FeatureCollection, in degrees on the written grid, shared corners equal in all their cells."""
    features = []
    for i, polygon in _on_grid(polygons).items():
        properties = {
            "code": units.code[i],
            "name": units.name[i],
            "fullName": units.full_name[i],
            "approximate": True,
            "source": SOURCE,
        }
        geometry = json.loads(shapely.to_geojson(polygon))
        features.append({"type": "Feature", "properties": properties, "geometry": geometry})
    return {
        "type": "FeatureCollection",
        "source": SOURCE,
        "license": metadata.distribution("vietnamadminunits").read_text("licenses/LICENSE"),
        "features": features,
    }


def _on_grid(polygons: dict[int, Any]) -> dict[int, Any]:
    """Give the cells in degrees as an exact coverage: all edges noded on the grid, each face to the cell it lies in."""
    degrees = {i: shapely.transform(polygon, lambda points: points / KM_PER_DEG) for i, polygon in polygons.items()}
    edges = shapely.union_all([polygon.boundary for polygon in degrees.values()], grid_size=GRID_DEG)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(edges)))
    owned: dict[int, list[Any]] = {i: [] for i in degrees}
    for face in faces:
        inner = face.representative_point()
        near = min(degrees, key=lambda i: degrees[i].distance(inner))
        owned[near].append(face)
    merged = {i: shapely.coverage_union_all(parts) for i, parts in owned.items()}
    return {i: shapely.transform(shape, lambda points: np.round(points, 5)) for i, shape in merged.items()}


if __name__ == "__main__":
    main()
