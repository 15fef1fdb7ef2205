"""Says which zones hold a place: reads zones once, gives commune, zone ids and marks for arrays of positions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate, compress, pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from geo.cells import Floats, Ints
from geo.grid import Grid
from geo.memory import Place, PlaceMemory, Position, zones_of
from geo.projection import to_local_m
from geo.shapes import shape_of
from schemas.errors import UsageError
from schemas.events import Mark, Zone

#: The kind of zone that `Places.commune` is about.
COMMUNE = "commune"
#: Most vertices of all zones together, about 0.5 GB. All 3,321 communes of the country with 4,000 each are 13 million.
MAX_INDEX_VERTICES = 20_000_000
#: Positions remembered in each of the two generations of the memory; about 40 MB when both are full.
REMEMBERED = 65_536

#: Degrees as an array (NaN: unknown) or as a column of a batch (None: unknown).
Column = Floats | Sequence[float | None]


_NOWHERE: Place = (None, b"", Mark.NO_PLACE.value)


class Places(NamedTuple):
    """Where each position of a batch is, as columns of equal length.

    `commune` is the code of the commune, None outside all; on a shared edge the lowest code. `zone_ids` are the ids
    of all zones of other kinds that hold the place and of that one commune, sorted. `marks` has `outside` (in no
    commune), `boundary_ambiguous` (in more than one) or `no_place` (NaN or infinite). Rows at one place share
    their list of zones: copy before changing it.
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
    _by_code: tuple[Zone, ...]
    _order: Ints
    _memory: PlaceMemory
    _made: dict[bytes, Place]

    @classmethod
    def build(cls, zones: Sequence[Zone], on: date | None = None, *, remember: int = REMEMBERED) -> ZoneIndex:
        """Give the index of the zones that are valid on a day (None: all); of one id, the newest version counts.

        Raises UsageError with the zone's id when a shape cannot be used, and when all are too many vertices.
        """
        chosen = tuple(sorted(_current(zones, on), key=lambda zone: zone.id))
        made = [_shape(zone) for zone in chosen]
        shapes = np.array([shape for shape, _ in made], dtype=object)
        if shapely.get_num_coordinates(shapes).sum() > MAX_INDEX_VERTICES:
            raise UsageError(f"the zones have more than {MAX_INDEX_VERTICES} vertices together: simplify them first")
        _prepare(shapes)
        communes = [zone for zone in chosen if zone.kind == COMMUNE]
        by_code = tuple(sorted(communes, key=lambda zone: (zone.code, zone.id)))
        order = {zone.id: place for place, zone in enumerate(by_code)}
        return cls(
            zones=chosen,
            repaired=tuple(zone.id for zone, (_, repaired) in zip(chosen, made, strict=True) if repaired),
            _shapes=shapes,
            _grid=Grid.build(shapes),
            _ids=np.array([zone.id for zone in chosen], dtype=object),
            _ranks={zone.id: rank for rank, zone in enumerate(chosen)},
            _kinds=_by_kind(chosen, shapes),
            _by_code=by_code,
            _order=np.array([order.get(zone.id, len(by_code)) for zone in chosen], dtype=np.intp),
            _memory=PlaceMemory(remember),
            _made={},
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
        found = self.places(lon, lat)
        each = {id(place): place for place in found}
        names = dict(zip(each, self._names([held for _, held, _ in each.values()]), strict=True))
        return Places(
            [commune for commune, _, _ in found],
            [names[id(place)] for place in found],
            [[] if mark is None else [mark] for _, _, mark in found],
        )

    def places(self, lon: Column, lat: Column) -> list[Place]:
        """Give the same as `locate` row by row; rows held by the same zones share one object (`is`)."""
        keys: list[Position] = list(zip(_column(lon), _column(lat), strict=True))
        found = self._memory.get(keys)
        if None in found:
            fresh = self._look_up(dict.fromkeys(compress(keys, [place is None for place in found])))
            return [place or fresh[key] for place, key in zip(found, keys, strict=True)]
        return found  # type: ignore[return-value]  # none of it is None

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

    def _look_up(self, keys: dict[Position, None]) -> dict[Position, Place]:
        """Give the places of positions that the memory does not have, and remember them."""
        positions = np.array(list(keys), dtype=np.float64)
        usable = np.isfinite(positions[:, 0]) & np.isfinite(positions[:, 1])
        finite: list[bool] = usable.tolist()
        known = positions[usable]
        places = self._places(*self._grid.covering(known), len(known))
        located = dict(zip(compress(keys, finite), places, strict=True))
        self._memory.put(located)
        return located | {key: _NOWHERE for key, is_place in zip(keys, finite, strict=True) if not is_place}

    def _places(self, near: Ints, ranks: Ints, count: int) -> Iterator[Place]:
        """Give the place of each position from its zones, sorted; equal sets of zones share one answer, for good."""
        bounds = (4 * np.searchsorted(near, np.arange(count + 1))).tolist()
        lowest, communes = self._lowest(near, ranks, count)
        numbers = ranks.astype(np.int32).tobytes()
        for (start, end), rank, many in zip(pairwise(bounds), lowest, communes, strict=True):
            held = numbers[start:end]
            place = self._made.get(held)
            if place is None:  # of two threads that get here, both give the place of the first
                made = (self._by_code[rank].code, held, None) if many == 1 else self._odd(held, rank, many)
                place = self._made.setdefault(held, made)
            yield place

    def _lowest(self, near: Ints, ranks: Ints, count: int) -> tuple[list[int], list[int]]:
        """Give, for each position, the place of its first commune in the order of codes, and how many communes it has.

        Without a commune the place is one behind the last.
        """
        order = self._order[ranks]
        found = np.flatnonzero(order < len(self._by_code))
        lowest = np.full(count, len(self._by_code))
        np.minimum.at(lowest, near[found], order[found])
        return lowest.tolist(), np.bincount(near[found], minlength=count).tolist()

    def _odd(self, held: bytes, lowest: int, communes: int) -> Place:
        """Give the answer for zones that have no commune, or several: the first one counts."""
        if not communes:
            return None, held, Mark.OUTSIDE.value
        commune = self._by_code[lowest]
        zones = ((number, self.zones[number]) for number in zones_of([held])[0].tolist())
        kept = [number for number, zone in zones if zone.kind != COMMUNE or zone.id == commune.id]
        return commune.code, np.array(kept, np.int32).tobytes(), Mark.BOUNDARY_AMBIGUOUS.value

    def _names(self, held: Sequence[bytes]) -> Iterator[list[str]]:
        """Give the ids of the zones of each place."""
        numbers, counts = zones_of(held)
        ids = self._ids[numbers]
        for start, end in pairwise(accumulate(counts, initial=0)):
            yield ids[start:end].tolist()


def _column(values: Column) -> list[float]:
    """Give plain floats, NaN for None."""
    floats: list[float] = np.asarray(values, dtype=np.float64).tolist()
    return floats


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
