"""Says what is near: reads positions, gives pairs within a distance and the nearest units, in metres."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geo.projection import distance_m
from schemas.events import Unit

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

#: The shortest degree of latitude (at the equator, m): a band of distance / this, in degrees, misses nothing.
_DEGREE_M = 110_574.0
#: Candidate pairs measured at a time, so that many positions in one place do not fill the memory.
_CHUNK = 1_000_000


class Pairs(NamedTuple):
    """Pairs of positions: index into the first list, index into the second, metres; sorted by both indices."""

    first: Indices
    second: Indices
    distance_m: Floats


class NearUnit(NamedTuple):
    """A unit and how far its newest position is from the place asked for."""

    unit: Unit
    distance_m: float


def pairs_within(lon: Floats, lat: Floats, limit_m: float) -> Pairs:
    """Give all pairs (first < second) of positions at most `limit_m` apart; NaN is near nothing."""
    pairs = pairs_between(lon, lat, lon, lat, limit_m)
    once = pairs.first < pairs.second
    return Pairs(pairs.first[once], pairs.second[once], pairs.distance_m[once])


def pairs_between(lon_a: Floats, lat_a: Floats, lon_b: Floats, lat_b: Floats, limit_m: float) -> Pairs:
    """Give all pairs of a position of list a and one of list b at most `limit_m` apart; NaN is near nothing.

    Positions of b are sorted by latitude, so only those in the same band are measured; that needs no care at the
    antimeridian or the poles. Distances as `geo.projection.distance_m`.
    """
    order = np.argsort(lat_b, kind="stable")  # NaN goes to the end, outside every band
    band = limit_m / _DEGREE_M
    low = np.searchsorted(lat_b[order], lat_a - band, side="left")
    high = np.searchsorted(lat_b[order], lat_a + band, side="right")
    found = []
    for first, place in _candidates(low, np.where(np.isnan(lat_a), low, high)):
        second = order[place]
        metres = distance_m(lon_a[first], lat_a[first], lon_b[second], lat_b[second])
        near = metres <= limit_m  # False for NaN
        found.append(Pairs(first[near], second[near], metres[near]))
    return _sorted(found)


def nearest_units(
    lon: float, lat: float, units: Iterable[Unit], *, limit: int = 5, within_m: float = float("inf")
) -> list[NearUnit]:
    """Give the nearest units with a known position, nearest first, ties by id; only those within `within_m`.

    How old a position is (`position_at`) is the caller's to judge: this knows no clock.
    """
    placed = [unit for unit in units if unit.lon is not None and unit.lat is not None]
    at = np.array([(unit.lon, unit.lat) for unit in placed], dtype=np.float64).reshape(-1, 2)
    distances: list[float] = distance_m(at[:, 0], at[:, 1], lon, lat).tolist()
    near = [NearUnit(unit, metres) for unit, metres in zip(placed, distances, strict=True) if metres <= within_m]
    return sorted(near, key=lambda item: (item.distance_m, item.unit.id))[:limit]


def _candidates(low: Indices, high: Indices) -> Iterator[tuple[Indices, Indices]]:
    """Give, piece by piece, each row with each place of its band [low, high)."""
    counts = high - low
    cuts = np.flatnonzero(np.diff(np.cumsum(counts) // _CHUNK)) + 1
    for rows in np.split(np.arange(len(counts)), cuts):
        sizes = counts[rows]
        steps = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        yield np.repeat(rows, sizes), np.repeat(low[rows], sizes) + steps


def _sorted(found: list[Pairs]) -> Pairs:
    """Join the pieces and sort them, so that the answer does not depend on how the work was cut."""
    first, second, metres = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.lexsort((second, first))
    return Pairs(first[order], second[order], metres[order])
