"""Bench `soak`: a steady stream for half an hour; does memory stay flat, is what the disk holds bounded."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from statistics import median

import numpy as np
import psutil
import psycopg

from tests.bench.measure import Figure, Result
from tests.bench.pipeline import register
from tests.bench.raw import batches, producer_of, send
from tests.bench.stage import Stage, stage
from tests.bench.workload import METRICS, Raw, Reading, devices, partition_of

MINUTES = 30.0
PER_S = 5_000
EVERY_S = 10.0
#: What is warming up counts no further than for the first of so many parts.
PARTS = 5


@dataclass(frozen=True, slots=True)
class Sample:
    """One look: seconds since the beginning, memory of worker and broker, bytes of the broker and the database."""

    at_s: float
    worker_mb: float
    broker_mb: float
    broker_disk_mb: float
    database_mb: float


def bench(runs: int, *, quick: bool, minutes: float = MINUTES) -> Result:
    """Run once, for some minutes; `runs` changes nothing."""
    del runs
    samples = run(1.0 if quick else minutes)
    parts = _parts(samples)
    late = [one for part in parts[1:] for one in part]
    growth = float(np.polyfit([one.at_s / 3600 for one in late], [one.worker_mb for one in late], 1)[0])
    figures = [
        Figure("worker's memory", "MB", [one.worker_mb for one in late]),
        Figure("growth of the worker's memory", "MB an hour", [growth]),
        Figure("broker's memory", "MB", [one.broker_mb for one in late]),
        Figure("broker's files", "MB", [one.broker_disk_mb for one in late]),
        Figure("database at the end", "MB", [late[-1].database_mb]),
    ]
    told = f"{samples[-1].at_s / 60:.0f} minutes at {PER_S:,} readings a second, looked at every {EVERY_S:.0f} s"
    medians = ", ".join(f"{median(one.worker_mb for one in part):.0f}" for part in parts)
    return Result("soak", figures, [f"{told}; the first fifth left out", f"worker's memory by fifths: {medians} MB"])


def _parts(samples: list[Sample]) -> list[list[Sample]]:
    """Cut what was seen into parts of equal length: what goes on growing is seen in the last of them, too."""
    bounds = [len(samples) * part // PARTS for part in range(PARTS + 1)]
    return [samples[start:end] for start, end in pairwise(bounds)]


def run(minutes: float) -> list[Sample]:
    """Give what was seen."""
    with stage() as made:
        asyncio.run(register(made))
        made.start_worker(watched=False)  # what the watch writes would count
        made.ready()
        return asyncio.run(_stream(made, minutes * 60))


async def _stream(made: Stage, seconds: float) -> list[Sample]:
    producer, coming = producer_of(made), _endless()
    await producer.start()
    begun, samples, sent = time.monotonic(), list[Sample](), 0
    try:
        while (now := time.monotonic() - begun) < seconds:
            if now >= len(samples) * EVERY_S:
                samples.append(await asyncio.to_thread(_look, made, now))
            await asyncio.gather(*[await send(producer, one) for one in batches(producer, _next(coming))])
            sent += PER_S
            await asyncio.sleep(max(0.0, sent / PER_S - (time.monotonic() - begun)))
    finally:
        await producer.stop()
    return samples


def _next(coming: Iterator[Raw]) -> list[Raw]:
    return [next(coming) for _ in range(PER_S)]


def _endless() -> Iterator[Raw]:
    """Give readings of now, device by device and metric by metric, for ever."""
    chance, known = random.Random(5), devices()
    while True:
        for device in known:
            at = datetime.now(UTC)
            for metric, unit in METRICS:
                reading = Reading(device, metric, unit, round(chance.uniform(0, 9), 2), at)
                yield Raw(partition_of(device), device.id.encode(), reading.json())


def _look(made: Stage, at_s: float) -> Sample:
    memory = {name: psutil.Process(pid).memory_info().rss / (1 << 20) for name, pid in made.pids().items()}
    with psycopg.connect(made.dsn) as connection:
        found = connection.execute("SELECT pg_database_size(current_database())").fetchone()
    size = found[0] if found else 0
    return Sample(at_s, memory["worker"], memory["broker"], _files_mb(made.settings.home), size / (1 << 20))


def _files_mb(home: Path) -> float:
    """Sum the broker's files (embedded, or Apache Kafka's), which come and go meanwhile."""
    sizes = 0
    for path in [*(home / "broker").rglob("*"), *(home / "data").rglob("*")]:
        try:
            sizes += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            continue
    return sizes / (1 << 20)
