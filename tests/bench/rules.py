"""Bench `rules`: what one event costs the engine with 1, 20, 200 and 1,000 rules; nothing but the engine runs."""

from __future__ import annotations

import time
from collections.abc import Sequence

from deploy.garbage import collect_seldom
from schemas.events import ObservationBatch
from streams.rules.engine import Engine
from streams.rules.frame import NO_LOOKUPS, Lookups
from streams.rules.load import library, load_rule
from streams.rules.rule import Rule
from streams.rules.state import States
from tests.bench.measure import Figure, Result
from tests.bench.workload import METRICS, SOURCE, Reading, readings

#: Events of one micro-batch, and of how many of them a run is made.
BATCH, BATCHES = 5_000, 4
COUNTS = (1, 20, 200, 1_000)
#: What the source of the readings promises: each device speaks once in so many seconds, so all of it is news.
CADENCE_S = 60.0
_RULE = """
id: bench.r{n}
version: 1
title: {{vi: B, en: B}}
summary: {{vi: B, en: B}}
owner: bench
references: [{{title: none, sure: false}}]
on: observation
metric: {metric}
per: device
where: value > {limit} AND (lon > 107.0 OR commune IS NULL)
for: 5m
severity: 2
raise: {{kind: flood.urban, title: {{vi: "{{device}}", en: "{{device}}"}}}}
"""


def bench(runs: int, *, quick: bool) -> Result:
    """Measure each number of rules in turn, all on the same batches."""
    collect_seldom()  # as the worker
    batches = made(2 if quick else BATCHES)
    figures = [
        _figure(f"{count:,} rules", [rule(n) for n in range(count)], batches, 1 if quick else runs) for count in COUNTS
    ]
    figures.append(_figure("the rules of the library", library(), batches, 1 if quick else runs))
    watched = Lookups(cadence_s={SOURCE.id: CADENCE_S})
    figures.append(
        _figure("the same, every device watched for silence", library(), batches, 1 if quick else runs, watched)
    )
    return Result(
        "rules",
        figures,
        [f"micro-batches of {BATCH:,} observations; 1 or 2 of them match, and then many rules at once"],
    )


def rule(n: int) -> Rule:
    """Give the n-th of many rules that differ in metric and threshold."""
    return load_rule(_RULE.format(n=n, metric=METRICS[n % len(METRICS)][0], limit=15 + n / 100))


def made(count: int) -> list[ObservationBatch]:
    """Give micro-batches of the reference workload."""
    work = list(readings(count * BATCH))
    return [_batch(work[start : start + BATCH]) for start in range(0, len(work), BATCH)]


def _batch(part: Sequence[Reading]) -> ObservationBatch:
    return ObservationBatch.of_columns(
        source=[SOURCE.id] * len(part),
        device=[reading.device.id for reading in part],
        metric=[reading.metric for reading in part],
        observed_at=[reading.at for reading in part],
        received_at=[reading.at for reading in part],
        value=[reading.value for reading in part],
        source_value=[None] * len(part),
        source_unit=[None] * len(part),
        lon=[reading.device.lon for reading in part],
        lat=[reading.device.lat for reading in part],
        commune=["10000"] * len(part),
        zone_ids=[["commune:10000"]] * len(part),
        marks=[[]] * len(part),
    )


def _figure(
    name: str, rules: Sequence[Rule], batches: Sequence[ObservationBatch], runs: int, lookups: Lookups = NO_LOOKUPS
) -> Figure:
    engine = Engine(rules, lookups)
    engine.step(batches[0], States())  # Polars' first query of a shape is slower
    return Figure(name, "µs per event", [_run(engine, batches) for _ in range(runs)])


def _run(engine: Engine, batches: Sequence[ObservationBatch]) -> float:
    states, begun = States(), time.perf_counter()
    for batch in batches:
        engine.step(batch, states)
    return (time.perf_counter() - begun) / sum(map(len, batches)) * 1e6
