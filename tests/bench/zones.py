"""Bench `zones`: what one position costs among 100, 1,000 and 10,000 polygons, for new places and for known ones."""

from __future__ import annotations

import time

import numpy as np

from geo.zones import ZoneIndex
from tests.bench.measure import Figure, Result
from tests.bench.workload import HEIGHT, SOUTH, WEST, WIDTH, zones

COUNTS = (100, 1_000, 10_000)
#: Positions of one question: a micro-batch.
BATCH = 5_000


def bench(runs: int, *, quick: bool) -> Result:
    """Ask the same positions of each index; the area stays, so more polygons also means more hits for each place."""
    figures: list[Figure] = []
    for count in COUNTS[: 2 if quick else None]:
        index = ZoneIndex.build(zones(count))
        times = [_run(index, seed) for seed in range(1 if quick else runs)]
        figures.append(Figure(f"{count:,} polygons, new places", "µs per event", [new for new, _ in times]))
        figures.append(Figure(f"{count:,} polygons, known places", "µs per event", [known for _, known in times]))
    note = f"batches of {BATCH:,} positions; circles of 64 points over a grid of 100 communes"
    return Result("zones", figures, [note])


def _run(index: ZoneIndex, seed: int) -> tuple[float, float]:
    chance = np.random.default_rng(seed)
    lon, lat = WEST + WIDTH * chance.random(BATCH), SOUTH + HEIGHT * chance.random(BATCH)
    return _asked(index, lon, lat), _asked(index, lon, lat)


def _asked(index: ZoneIndex, lon: np.ndarray, lat: np.ndarray) -> float:
    begun = time.perf_counter()
    index.locate(lon, lat)
    return (time.perf_counter() - begun) / BATCH * 1e6
