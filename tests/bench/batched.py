"""Bench `pipeline-batched`: as `pipeline`, with records that carry 100 readings of one device each."""

from __future__ import annotations

import msgspec

from tests.bench.measure import Result
from tests.bench.pipeline import figures_of, measured
from tests.bench.workload import EVENTS, EVERY, METRICS, SOURCE, arrays, readings

PER_RECORD = 100
#: Fewer devices than elsewhere, so that each has many readings in the same time.
DEVICES = 1_000
#: A device is heard of when it has a record full: were the cadence a minute, rules would rightly call it silent.
CADENCE_S = PER_RECORD / len(METRICS) * EVERY.total_seconds()


def bench(runs: int, *, quick: bool) -> Result:
    """Run so many readings as the bench `pipeline`; `quick` half of them, once."""
    events = EVENTS // 2 if quick else EVENTS
    records = list(arrays(readings(2 * events, DEVICES), PER_RECORD))[: events // PER_RECORD]
    work, raws = [reading for _, held in records for reading in held], [raw for raw, _ in records]
    source = msgspec.structs.replace(SOURCE, cadence_s=CADENCE_S)
    done = [measured(work, raws, source=source) for _ in range(1 if quick else runs)]
    note = f"{len(raws):,} records with {PER_RECORD} readings each, {DEVICES:,} devices"
    return Result("pipeline-batched", figures_of("", done, len(work)), [note])
