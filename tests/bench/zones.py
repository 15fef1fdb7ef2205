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
    figures: list[Figure] = []
    for count in COUNTS[: 2 if quick else None]:
        figures += _figures(f"{count:,} polygons", ZoneIndex.build(zones(count)), seeds)
    if not quick:
        figures += _figures("10,000 smaller polygons", ZoneIndex.build(zones(10_000, size=SMALLER)), seeds)
    note = f"batches of {BATCH:,} positions; circles of 64 points over a grid of 100 communes"
    hits = "zones over a place: 1 of 100, 2.9 of 1,000, 22 of 10,000, 2.9 of 10,000 smaller"
    return Result("zones", figures, [note, hits])


def _figures(name: str, index: ZoneIndex, seeds: range) -> list[Figure]:
    times = [_run(index, seed) for seed in seeds]
    return [
        Figure(f"{name}, new places", "µs per event", [new for new, _ in times]),
        Figure(f"{name}, known places", "µs per event", [known for _, known in times]),
    ]


def _run(index: ZoneIndex, seed: int) -> tuple[float, float]:
    chance = np.random.default_rng(seed)
    lon, lat = WEST + WIDTH * chance.random(BATCH), SOUTH + HEIGHT * chance.random(BATCH)
    return _asked(index, lon, lat), _asked(index, lon, lat)


def _asked(index: ZoneIndex, lon: np.ndarray, lat: np.ndarray) -> float:
    begun = time.perf_counter()
    index.locate(lon, lat)
    return (time.perf_counter() - begun) / BATCH * 1e6
