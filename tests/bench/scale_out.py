"""Bench `scale-out`: one, two and three worker processes of the bulk lane share its 12 partitions."""

from __future__ import annotations

import asyncio

from tests.bench.measure import Figure, Result, Usage
from tests.bench.pipeline import check, register
from tests.bench.raw import Progress, fill
from tests.bench.stage import stage
from tests.bench.workload import EVENTS, readings, singles

PARTITIONS = 12
WORKERS = (1, 2, 3)


def bench(runs: int, *, quick: bool) -> Result:
    """Measure each number of workers; all have their partitions before the first record comes."""
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
    names = [f"worker-{n}" for n in range(workers)]
    with stage(PARTITIONS) as made:
        asyncio.run(register(made))
        for name in names:
            made.start_worker(name, "--partitions", str(PARTITIONS), "--lane", "bulk")
        for name in names:
            made.ready(name)
        progress, usage = Progress(made), Usage(made.pids())
        fill(made, singles(readings(events), PARTITIONS))
        end = progress.wait_finished(events)
        usage.stop()
        progress.close()
        check(made, events)
        begun = min(at for trace in made.traces() if (at := trace.begun()) is not None)
    return events / (end - begun), usage
