"""Bench `pipeline`: raw records that wait on the broker until all rows are committed and all rules have seen them.

In one run, one after the other: each peer, then the limit and the worker, then the worker with 200 rules. Everyone
begins on fresh servers (only the limit shares the worker's): what one has left there slows the next by up to a fifth.
The clock runs from the first record that a worker (or peer) was handed to the last row committed.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import psycopg

from schemas.events import Source
from tests.bench import profiler
from tests.bench.limit import measure_limit
from tests.bench.measure import RATIO, Figure, Result, Usage
from tests.bench.peers.run import PEERS, PeerError, rate
from tests.bench.raw import Progress, fill
from tests.bench.stage import Stage, stage, store_of
from tests.bench.workload import EVENTS, SOURCE, Raw, Reading, devices, readings, singles, zones

MANY_RULES = 200
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


def bench(runs: int, *, quick: bool, rules: int = MANY_RULES, profile: bool = False) -> Result:
    """Run the reference workload; `quick` takes half of it, once, without peers and with the library's rules only."""
    events = EVENTS // 2 if quick else EVENTS
    count = 1 if quick else runs
    library = [run(events, peers=not quick, profile=profile) for _ in range(count)]
    figures = _figures("", library, events)
    if not quick:
        many = [run(events, rules=rules) for _ in range(count)]
        figures += _figures(f"{rules} rules, ", many, events)[:3]
        figures += _peers(library)
    return Result("pipeline", figures, [f"{events:,} single JSON readings, {_NOTE}"])


def _figures(title: str, done: Sequence[Run], events: int) -> list[Figure]:
    first = [
        Figure(f"{title}raw to committed and evaluated", "events/s", [one.rate for one in done]),
        Figure(f"{title}limit: COPY of preformatted text, one connection", "rows/s", [one.limit for one in done]),
        Figure(f"{title}{RATIO}", "", [one.rate / one.limit for one in done]),
    ]
    cpu = [
        Figure(f"CPU {name}", "s per million events", [one.usage.cpu_s[name] / events * 1e6 for one in done])
        for name in ("worker", "database", "broker")
    ]
    memory = Figure("peak memory, worker", "MB", [one.usage.peak_mb["worker"] for one in done])
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


def run(events: int, *, rules: int = 0, peers: bool = False, profile: bool = False) -> Run:
    """Measure peers, limit and pipeline once."""
    work = list(readings(events))
    records = list(singles(work))
    told = _peer_rates(records) if peers else {}
    return replace(measured(work, records, rules=rules, profile=profile), peers=told)


def measured(
    work: Sequence[Reading],
    records: Sequence[Raw],
    *,
    source: Source = SOURCE,
    rules: int = 0,
    profile: bool = False,
) -> Run:
    """Measure limit and pipeline once, on records of a source that carry the readings `work`."""
    with stage() as made:
        asyncio.run(register(made, source))
        fill(made, records)
        limit = measure_limit(made, work)
        usage, seconds = drive(made, len(records), rules=rules, profile=profile)
        check(made, len(work))
        return Run(len(work) / seconds, limit, usage, made.trace().seconds())


def drive(made: Stage, records: int, *, rules: int = 0, profile: bool = False) -> tuple[Usage, float]:
    """Let a worker do what waits on the broker; give what all processes used, and the seconds that it took."""
    progress = Progress(made)
    try:
        made.start_worker("worker", "--rules", str(rules))
        usage = made.working()
        with profiler.watching(made.pids()["worker"], made.settings.home, records) if profile else profiler.nothing():
            end = progress.wait_finished(records)
        usage.stop()
    finally:
        progress.close()
    begun = made.trace().begun()
    assert begun is not None
    return usage, end - begun


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
