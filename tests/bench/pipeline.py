"""Bench `pipeline`: a burst of raw records until all rows are committed and all rules have seen them.

The workers are those of `canh up`; then the same with 200 rules, and one process that does everything. They wait for
records when the burst comes. Everyone begins on fresh servers, peers too (each one process, records wait for it); only
the limit is measured on the workers'. The clock runs from the first record that a worker (or peer) was handed to the
last row committed.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, field, replace

import psycopg

from deploy.stack import WORKERS, WorkerProcess
from schemas.events import Source
from tests.bench import profiler
from tests.bench.limit import measure_limit
from tests.bench.measure import RATIO, Figure, Result, Usage
from tests.bench.peers.run import PEERS, PeerError, rate
from tests.bench.raw import Progress, fill
from tests.bench.stage import PLAIN, Stage, stage, store_of
from tests.bench.trace import seconds_of
from tests.bench.workload import EVENTS, SOURCE, Raw, Reading, devices, readings, singles, zones

MANY_RULES = 200
#: One process with both lanes.
ONE: Mapping[str, WorkerProcess] = {"worker": PLAIN}
#: Workers that were let in share their partitions anew when another comes: all of them must be ready for so long.
SETTLED_S = 1.0
_NOTE = "4 partitions, 5,000 devices, 3 metrics, 500 polygons"
_COUNTS = "SELECT (SELECT count(*) FROM observation), (SELECT count(*) FROM dead_letter), (SELECT count(*) FROM signal)"


@dataclass(frozen=True, slots=True)
class Run:
    """What one run gave: events/s and rows/s, what every process used, and the seconds of each hop."""

    rate: float
    limit: float
    usage: Usage
    hops: dict[str, float]
    peers: dict[str, float] = field(default_factory=dict)

    def cpu_s(self, role: str) -> float:
        """Give the seconds of all processes of a role."""
        return sum(cpu for name, cpu in self.usage.cpu_s.items() if name.startswith(role))

    def peak_mb(self, role: str) -> float:
        """Give the memory of the largest process of a role."""
        return max(peak for name, peak in self.usage.peak_mb.items() if name.startswith(role))


def bench(runs: int, *, quick: bool, rules: int = MANY_RULES, profile: bool = False) -> Result:
    """Run the reference workload; `quick` takes half of it, once, without peers and with the library's rules only."""
    events = EVENTS // 2 if quick else EVENTS
    count = 1 if quick else runs
    workers = ONE if profile else WORKERS  # one process at a time is looked into
    library = [run(events, workers=workers, peers=not quick, profile=profile) for _ in range(count)]
    figures = figures_of("", library, events)
    if not quick:
        many = [run(events, rules=rules) for _ in range(count)]
        one = [run(events, workers=ONE) for _ in range(count)]
        figures += figures_of(f"{rules} rules, ", many, events)[:3] + figures_of("one process, ", one, events)[:4]
        figures += _peers(library)
    return Result("pipeline", figures, [f"{events:,} single JSON readings, {_NOTE}"])


def figures_of(title: str, done: Sequence[Run], events: int) -> list[Figure]:
    """Give rate, limit and ratio of some runs, then CPU (that of all workers together), memory, and the hops' time."""
    first = [
        Figure(f"{title}raw to committed and evaluated", "events/s", [one.rate for one in done]),
        Figure(f"{title}limit: COPY of preformatted text, one connection", "rows/s", [one.limit for one in done]),
        Figure(f"{title}{RATIO}", "", [one.rate / one.limit for one in done]),
    ]
    cpu = [
        Figure(f"{title}CPU {name}", "s per million events", [one.cpu_s(name) / events * 1e6 for one in done])
        for name in ("worker", "database", "broker")
    ]
    memory = Figure(f"{title}peak memory, worker", "MB", [one.peak_mb("worker") for one in done])
    hops = [
        Figure(f"seconds of {name}", "s per million events", [one.hops.get(name, 0.0) / events * 1e6 for one in done])
        for name in sorted({name for one in done for name in one.hops})
    ]
    return [*first, *cpu, memory, *hops]


def _peers(done: Sequence[Run]) -> list[Figure]:
    figures = []
    for peer in PEERS:
        both = [(one.rate, one.peers[peer.title]) for one in done if peer.title in one.peers]
        if both:
            figures.append(Figure(f"peer: {peer.title} ({peer.events:,} events)", "events/s", [its for _, its in both]))
            figures.append(Figure(f"Canh to {peer.title}", "times", [ours / its for ours, its in both]))
    return figures


def run(
    events: int,
    *,
    workers: Mapping[str, WorkerProcess] = WORKERS,
    rules: int = 0,
    peers: bool = False,
    profile: bool = False,
) -> Run:
    """Measure peers, limit and pipeline once."""
    work = list(readings(events))
    records = list(singles(work))
    told = _peer_rates(records) if peers else {}
    return replace(measured(work, records, workers=workers, rules=rules, profile=profile), peers=told)


def measured(
    work: Sequence[Reading],
    records: Sequence[Raw],
    *,
    workers: Mapping[str, WorkerProcess] = WORKERS,
    source: Source = SOURCE,
    rules: int = 0,
    profile: bool = False,
) -> Run:
    """Measure limit and pipeline once, on records of a source that carry the readings `work`."""
    with stage() as made:
        asyncio.run(register(made, source))
        limit = measure_limit(made, work)
        usage, seconds = drive(made, records, workers=workers, rules=rules, profile=profile)
        check(made, len(work))
        return Run(len(work) / seconds, limit, usage, seconds_of(made.traces()))


def drive(
    made: Stage,
    records: Sequence[Raw],
    *,
    workers: Mapping[str, WorkerProcess] = WORKERS,
    rules: int = 0,
    profile: bool = False,
) -> tuple[Usage, float]:
    """Give new workers the records, all at once; give what all processes used, and the seconds that it took."""
    for name, process in workers.items():
        made.start_worker(name, process, "--rules", str(rules))
        made.ready(name)  # one after the other: see WorkerProcess
    _settle(made, workers)
    watching = profiler.watching(made.pids()["worker"], made.settings.home, len(records)) if profile else nullcontext()
    with watching, closing(Progress(made)) as progress:
        fill(made, records, made.held(*workers))
        usage = Usage(made.pids())
        end = progress.wait_finished(len(records))
        usage.stop()
    return usage, end - min(begun for trace in made.traces() if (begun := trace.begun()) is not None)


def _settle(made: Stage, workers: Iterable[str]) -> None:
    """Wait until all workers have partitions, and keep them."""
    for _ in range(2):
        for name in workers:
            made.ready(name)
        time.sleep(SETTLED_S)


def _peer_rates(records: Sequence[Raw]) -> dict[str, float]:
    told = {}
    for peer in PEERS:
        with stage() as made:
            fill(made, records)
            try:
                told[peer.title] = rate(made, peer)
            except PeerError as error:
                print(f"{peer.title} is left out: {error}", file=sys.stderr)
    return told


async def register(made: Stage, source: Source = SOURCE) -> None:
    """Register zones, source and devices."""
    store = store_of(made)
    await store.open()
    await store.put_zones(zones())
    await store.put_sources([source])
    await store.put_devices(devices())
    await store.close()


def check(made: Stage, events: int) -> None:
    """A fast pipeline that loses something is not fast: every reading must be a row, and rules must have spoken."""
    with psycopg.connect(made.dsn) as connection:
        found = connection.execute(_COUNTS).fetchone()
    if found is None or found[0] != events or found[1] or not found[2]:
        raise RuntimeError(f"rows, dead letters, signals: {found}; {events} rows were expected")
