"""Bench `zones`: what one position costs among 100, 1,000 and 10,000 polygons, for new places and for known ones.

As on the bulk path: a batch of observations in, the same with commune, zones and marks out.
"""

from __future__ import annotations

import math
import time

import numpy as np
import polars as pl

from deploy.garbage import collect_seldom
from geo.zones import ZoneIndex
from schemas.events import ObservationBatch
from streams.places import PlaceTable
from tests.bench.measure import Figure, Result
from tests.bench.rules import BATCH, made
from tests.bench.workload import HEIGHT, SOUTH, WEST, WIDTH, zones

COUNTS = (100, 1_000, 10_000)
#: The size at which 9,900 circles cover as much as 900 do.
SMALLER = math.sqrt(900 / 9_900)


def bench(runs: int, *, quick: bool) -> Result:
    """Ask the same positions of each index; the area stays, so more polygons also means more hits for each place.

    Then with circles so much smaller that 10,000 polygons give a place no more hits than 1,000 do.
    """
    collect_seldom()  # as the worker
    batches = [_batch(seed) for seed in range(1 + (1 if quick else runs))]
    asked = {f"{count:,}": ZoneIndex.build(zones(count)) for count in COUNTS[: 2 if quick else None]}
    if not quick:
        asked["10,000 smaller"] = ZoneIndex.build(zones(10_000, size=SMALLER))
    figures = [figure for name, index in asked.items() for figure in _figures(f"{name} polygons", index, batches)]
    note = f"batches of {BATCH:,} positions; circles of 64 points over a grid of 100 communes"
    hits = ", ".join(f"{_hits(index):.1f} of {name}" for name, index in asked.items())
    return Result("zones", figures, [note, f"zones over a place: {hits}"])


def _figures(name: str, index: ZoneIndex, batches: list[ObservationBatch]) -> list[Figure]:
    table = PlaceTable(index)
    table.located(batches[0])  # Polars' first query of a shape is slower
    times = [(_asked(table, batch), _asked(table, batch)) for batch in batches[1:]]
    return [
        Figure(f"{name}, new places", "µs per event", [new for new, _ in times]),
        Figure(f"{name}, known places", "µs per event", [known for _, known in times]),
    ]


def _hits(index: ZoneIndex) -> float:
    """Give the mean number of zones over the places of the first run."""
    return float(index.cover(*_positions(1)).counts.mean())


def _batch(seed: int) -> ObservationBatch:
    lon, lat = _positions(seed)
    (batch,) = made(1)
    return ObservationBatch(batch.frame.with_columns(lon=pl.Series(lon), lat=pl.Series(lat)))


def _positions(seed: int) -> tuple[np.ndarray, np.ndarray]:
    chance = np.random.default_rng(seed)
    return WEST + WIDTH * chance.random(BATCH), SOUTH + HEIGHT * chance.random(BATCH)


def _asked(table: PlaceTable, batch: ObservationBatch) -> float:
    begun = time.perf_counter()
    table.located(batch)
    return (time.perf_counter() - begun) / BATCH * 1e6
