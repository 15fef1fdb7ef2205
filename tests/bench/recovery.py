"""Bench `recovery`: a worker is killed (kill -9) in the middle of a backlog; how long until all is caught up."""

from __future__ import annotations

import asyncio
import time

from tests.bench.measure import Figure, Result
from tests.bench.pipeline import check, register
from tests.bench.raw import Progress, fill
from tests.bench.stage import stage
from tests.bench.workload import EVENTS, readings, singles


def bench(runs: int, *, quick: bool) -> Result:
    """Kill once in each run, when a third is done; the next worker starts at once, as a supervisor does it."""
    events = EVENTS // 2 if quick else EVENTS
    done = [run(events) for _ in range(1 if quick else runs)]
    names = (
        "kill -9 to the next record", "kill -9 to caught up", "of it for what was left, at the rate before the kill",
    )  # fmt: skip
    figures = [Figure(name, "s", [one[i] for one in done]) for i, name in enumerate(names)]
    return Result("recovery", figures, [f"{events:,} readings; killed when a third is through the first hop"])


def run(events: int) -> tuple[float, float, float]:
    """Give the seconds from the kill to the next record and to caught up, and what the rest would have taken."""
    with stage() as made:
        asyncio.run(register(made))
        fill(made, singles(readings(events)))
        progress = Progress(made)
        made.start_worker()
        made.working()
        while progress.normalized() < events // 3:
            time.sleep(0.005)
        made.children["worker"].kill()
        killed, left = time.monotonic(), events - progress.normalized()
        made.start_worker()
        end = progress.wait_finished(events)
        progress.close()
        check(made, events)
        runs = made.trace().follow()
        rate = (events - left) / (killed - min(one.began for one in runs))
        again = min(one.began for one in runs if one.began > killed)
    return again - killed, end - killed, left / rate
