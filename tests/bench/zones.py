"""Bench `zones`: what one position costs among 100, 1,000 and 10,000 polygons, for new places and for known ones."""

from __future__ import annotations

import math
import time

import numpy as np

from geo.zones import ZoneIndex
from tests.bench.measure import Figure, Result
from tests.bench.workload import HEIGHT, SOUTH, WEST, WIDTH, zones

COUNTS = (100, 1_000, 10_000)
#: Positions of one question: a micro-batch.
BATCH = 5_000
#: The size at which 9,900 circles cover as much as 900 do.
SMALLER = math.sqrt(900 / 9_900)


def bench(runs: int, *, quick: bool) -> Result:
    """Ask the same positions of each index; the area stays, so more polygons also means more hits for each place.

    Then with circles so much smaller that 10,000 polygons give a place no more hits than 1,000 do.
    """
    seeds = range(1 if quick else runs)
    asked = {f"{count:,}": ZoneIndex.build(zones(count)) for count in COUNTS[: 2 if quick else None]}
    if not quick:
        asked["10,000 smaller"] = ZoneIndex.build(zones(10_000, size=SMALLER))
    figures = [figure for name, index in asked.items() for figure in _figures(f"{name} polygons", index, seeds)]
    note = f"batches of {BATCH:,} positions; circles of 64 points over a grid of 100 communes"
    hits = ", ".join(f"{_hits(index):.1f} of {name}" for name, index in asked.items())
    return Result("zones", figures, [note, f"zones over a place: {hits}"])


def _figures(name: str, index: ZoneIndex, seeds: range) -> list[Figure]:
    times = [_run(index, seed) for seed in seeds]
    return [
        Figure(f"{name}, new places", "µs per event", [new for new, _ in times]),
        Figure(f"{name}, known places", "µs per event", [known for _, known in times]),
    ]


def _run(index: ZoneIndex, seed: int) -> tuple[float, float]:
    lon, lat = _positions(seed)
    return _asked(index, lon, lat), _asked(index, lon, lat)


def _hits(index: ZoneIndex) -> float:
    """Give the mean number of zones over the places of the first run."""
    return float(np.mean([len(ids) for ids in index.locate(*_positions(0)).zone_ids]))


def _positions(seed: int) -> tuple[np.ndarray, np.ndarray]:
    chance = np.random.default_rng(seed)
    return WEST + WIDTH * chance.random(BATCH), SOUTH + HEIGHT * chance.random(BATCH)


def _asked(index: ZoneIndex, lon: np.ndarray, lat: np.ndarray) -> float:
    begun = time.perf_counter()
    index.locate(lon, lat)
    return (time.perf_counter() - begun) / BATCH * 1e6
