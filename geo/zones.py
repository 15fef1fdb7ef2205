"""Says which zones hold a place: reads zones once, gives commune, zone ids and marks for arrays of positions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from geo.cells import Floats
from geo.cover import MARKS, Communes, Cover
from geo.grid import Grid
from geo.projection import to_local_m
from geo.shapes import shape_of
from schemas.errors import UsageError
from schemas.events import Zone

#: Most vertices of all zones together, about 0.5 GB. All 3,321 communes of the country with 4,000 each are 13 million.
MAX_INDEX_VERTICES = 20_000_000

#: Degrees as an array (NaN: unknown) or as a column of a batch (None: unknown).
Column = Floats | Sequence[float | None]


class Places(NamedTuple):
    """Where each position of a batch is, as columns of equal length.

    `commune` is the code of the commune, None outside all; on a shared edge the lowest code. `zone_ids` are the ids
    of all zones of other kinds that hold the place and of that one commune, sorted. `marks` has `outside` (in no
    commune), `boundary_ambiguous` (in more than one) or `no_place` (NaN or infinite).
    """

    commune: list[str | None]
    zone_ids: list[list[str]]
    marks: list[list[str]]


class Nearest(NamedTuple):
    """The zone of a kind that is nearest to a point; `distance_m` is 0 inside it."""

    zone: Zone
    distance_m: float


class _Kind(NamedTuple):
    """The zones of one kind: their ranks in the index, by code, and a tree over their shapes."""

    ranks: list[int]
    tree: Any


@dataclass(frozen=True, slots=True, eq=False)
class ZoneIndex:
    """All zones of a day, ready for questions. It never changes: build a new one and swap it by one assignment.

    `repaired` holds the ids of zones whose shape was not valid as given (see `geo.shapes`).
    """

    zones: tuple[Zone, ...]
    repaired: tuple[str, ...]
    _shapes: Any
    _grid: Grid
    _ids: npt.NDArray[np.object_]
    _ranks: dict[str, int]
    _kinds: dict[str, _Kind]
    _communes: Communes

    @classmethod
    def build(cls, zones: Sequence[Zone], on: date | None = None) -> ZoneIndex:
        """Give the index of the zones that are valid on a day (None: all); of one id, the newest version counts.

        Raises UsageError with the zone's id when a shape cannot be used, and when all are too many vertices.
        """
        chosen = tuple(sorted(_current(zones, on), key=lambda zone: zone.id))
        made = [_shape(zone) for zone in chosen]
        shapes = np.array([shape for shape, _ in made], dtype=object)
        if shapely.get_num_coordinates(shapes).sum() > MAX_INDEX_VERTICES:
            raise UsageError(f"the zones have more than {MAX_INDEX_VERTICES} vertices together: simplify them first")
        _prepare(shapes)
        return cls(
            zones=chosen,
            repaired=tuple(zone.id for zone, (_, repaired) in zip(chosen, made, strict=True) if repaired),
            _shapes=shapes,
            _grid=Grid.build(shapes),
            _ids=np.array([zone.id for zone in chosen], dtype=object),
            _ranks={zone.id: rank for rank, zone in enumerate(chosen)},
            _kinds=_by_kind(chosen, shapes),
            _communes=Communes(chosen),
        )

    def __len__(self) -> int:
        return len(self.zones)

    def get(self, zone_id: str) -> Zone | None:
        """Give a zone by its id, None when this day has none of that id."""
        rank = self._ranks.get(zone_id)
        return None if rank is None else self.zones[rank]

    def with_kind(self, kind: str) -> list[Zone]:
        """Give the zones of a kind, by code."""
        return [self.zones[rank] for rank in self._kinds[kind].ranks] if kind in self._kinds else []

    def shape(self, zone_id: str) -> Any:
        """Give the prepared polygon of a zone in degrees (lon, lat); raises KeyError for an unknown id."""
        return self._shapes[self._ranks[zone_id]]

    def locate(self, lon: Column, lat: Column) -> Places:
        """Give where each position is (degrees, WGS 84); None, NaN and infinite are no place. No number raises."""
        cover = self.cover(lon, lat)
        ids = self._ids[cover.zones].tolist()
        return Places(
            [None if zone == len(self) else self.zones[zone].code for zone in cover.commune.tolist()],
            [ids[start:end] for start, end in pairwise(accumulate(cover.counts.tolist(), initial=0))],
            [[mark] if (mark := MARKS[number]) else [] for number in cover.mark.tolist()],
        )

    def cover(self, lon: Column, lat: Column) -> Cover:
        """Give what covers each position, as `locate`, in numbers."""
        lon, lat = _column(lon), _column(lat)
        there = np.isfinite(lon) & np.isfinite(lat)
        rows = np.flatnonzero(there)
        near, zones = self._grid.covering(lon[rows], lat[rows])
        return self._communes.cover(there, rows[near], zones)

    def nearest(self, lon: float, lat: float, kind: str) -> Nearest | None:
        """Give the nearest zone of a kind, ties to the lowest code; None when there is none, or no place was given.

        Zones on the other side of the antimeridian count as far away.
        """
        group = self._kinds.get(kind)
        if group is None or not np.isfinite([lon, lat]).all():
            return None
        point = shapely.Point(lon, lat)
        _, degrees = group.tree.query_nearest(point, return_distance=True)
        # What can still be nearer in metres than the nearest in degrees lies within that many degrees of latitude, and
        # in longitude within that divided by the cosine; 2 % more covers the flattening of the earth.
        reach = 1.02 * degrees[0] / max(np.cos(np.radians(min(abs(lat) + degrees[0], 90.0))), 1e-3)
        near = group.tree.query(point, predicate="dwithin", distance=reach).tolist()
        distance_m, first = min((self._distance_m(group.ranks[i], lon, lat), i) for i in near)
        return Nearest(self.zones[group.ranks[first]], distance_m)

    def distance_m(self, zone_id: str, lon: float, lat: float) -> float:
        """Give the metres from a point to the nearest point of a zone: 0 inside, NaN for no place.

        Accuracy as `geo.projection.to_local_m`. Raises KeyError for an unknown id.
        """
        return self._distance_m(self._ranks[zone_id], lon, lat)

    def edge_m(self, zone_id: str, lon: float, lat: float) -> float:
        """Give the metres from a point to the edge of a zone, from inside as well as from outside."""
        return _metres_to(shapely.boundary(self.shape(zone_id)), lon, lat)

    def _distance_m(self, rank: int, lon: float, lat: float) -> float:
        if shapely.intersects_xy(self._shapes[rank], lon, lat):
            return 0.0
        return _metres_to(shapely.boundary(self._shapes[rank]), lon, lat)


def _column(values: Column) -> Floats:
    """Give numbers, NaN for None."""
    return np.asarray(values, dtype=np.float64)


def _current(zones: Sequence[Zone], on: date | None) -> list[Zone]:
    """Give, of each zone id, the newest version that is valid on the day."""
    versions: dict[str, list[Zone]] = {}
    for zone in zones:
        if on is None or (zone.valid_from <= on and (zone.valid_to is None or on < zone.valid_to)):
            versions.setdefault(zone.id, []).append(zone)
    return [_newest(rivals) for rivals in versions.values()]


def _newest(rivals: list[Zone]) -> Zone:
    """Give the zone with the newest first day and version; two different ones of that day and version are refused."""
    newest = max(rivals, key=lambda zone: (zone.valid_from, zone.version))
    for zone in rivals:
        if (zone.valid_from, zone.version) == (newest.valid_from, newest.version) and zone != newest:
            raise UsageError(f"zone {zone.id}: two different records have the same first day and version")
    return newest


def _prepare(shapes: Any) -> None:
    """Build each shape's search structure now: GEOS would do it in the first question, while events wait."""
    shapely.prepare(shapes)
    west, south, east, north = shapely.bounds(shapes).T
    shapely.intersects_xy(shapes, (west + east) / 2, (south + north) / 2)


def _by_kind(zones: Sequence[Zone], shapes: Any) -> dict[str, _Kind]:
    """Group zones by kind."""
    ranks: dict[str, list[int]] = {}
    for rank, zone in sorted(enumerate(zones), key=lambda ranked: (ranked[1].code, ranked[1].id)):
        ranks.setdefault(zone.kind, []).append(rank)
    return {kind: _Kind(mine, shapely.STRtree(shapes[mine])) for kind, mine in ranks.items()}


def _shape(zone: Zone) -> tuple[Any, bool]:
    """Give a zone's polygon; an unusable one is refused with the zone's id."""
    try:
        return shape_of(zone.geometry)
    except UsageError as error:
        raise UsageError(f"zone {zone.id}: {error}") from error


def _metres_to(line: Any, lon: float, lat: float) -> float:
    """Give the metres from a point to the nearest point of a line, measured around the point."""
    if not np.isfinite([lon, lat]).all():
        return float("nan")
    projected = shapely.transform(line, lambda x, y: to_local_m(x, y, lon, lat), interleaved=False)
    with np.errstate(divide="ignore", invalid="ignore"):  # GEOS divides by lengths below 1e-150 m, and sees it itself
        return float(shapely.distance(projected, shapely.Point(0.0, 0.0)))
