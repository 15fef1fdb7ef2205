"""Bench `scale-out`: one, two and three worker processes of the bulk lane share its 12 partitions."""

from __future__ import annotations

import asyncio

from deploy.stack import WorkerProcess
from tests.bench.measure import Figure, Result, Usage
from tests.bench.pipeline import check, drive, register
from tests.bench.stage import stage
from tests.bench.workload import EVENTS, readings, singles

PARTITIONS = 12
WORKERS = (1, 2, 3)


def bench(runs: int, *, quick: bool) -> Result:
    """Measure each number of workers; all have their partitions before the records come, all at once."""
    events = EVENTS // 2 if quick else 2 * EVENTS
    figures: list[Figure] = []
    for workers in WORKERS:
        done = [run(events, workers) for _ in range(1 if quick else runs)]
        used = [sum(cpu for name, cpu in usage.cpu_s.items() if name.startswith("worker")) for _, usage in done]
        figures.append(Figure(f"workers: {workers}, raw to committed", "events/s", [rate for rate, _ in done]))
        figures.append(
            Figure(f"workers: {workers}, CPU of all", "s per million events", [cpu / events * 1e6 for cpu in used])
        )
    return Result("scale-out", figures, [f"{events:,} readings on {PARTITIONS} partitions; everything on one machine"])


def run(events: int, workers: int) -> tuple[float, Usage]:
    """Give events/s, and what every process used."""
    process = WorkerProcess(("--partitions", str(PARTITIONS), "--lane", "bulk"))
    started = {f"worker-{n}": process for n in range(workers)}
    with stage(PARTITIONS) as made:
        asyncio.run(register(made))
        usage, seconds = drive(made, list(singles(readings(events), PARTITIONS)), workers=started)
        check(made, events)
    return events / seconds, usage
