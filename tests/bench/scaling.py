"""`canh bench pipeline storage --json | python -m tests.bench.scaling`: the cost model's table of docs/scaling.md.

Reads measured cost, gives calculated needs; every factor that is not measured stands here with its reason.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

RATES = (10_000, 100_000, 1_000_000)
#: A process is planned for no more than this share of a core: bursts, rebalances and collections need the rest.
LOAD = 0.6
#: Partitions for each worker process, so that workers can be added later without moving keys.
SPARE = 2
#: Copies that Kafka keeps in production.
COPIES = 3
#: TimescaleDB's columnstore to rows with indexes: its makers say 90 % and more are saved; not measured here.
COMPRESSED = 0.1
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Cost:
    """What one event costs: CPU seconds of each process, bytes in Kafka (raw and canonical) and in the database."""

    worker_s: float
    broker_s: float
    database_s: float
    kafka_bytes: float
    database_bytes: float


def cost(told: Mapping[str, Any]) -> Cost:
    """Read the cost of an event out of the benches' JSON; raises KeyError when pipeline or storage is not in it."""
    medians = {
        bench: {figure["name"]: float(figure["median"]) for figure in result["figures"]}
        for bench, result in told["benches"].items()
    }
    cpu, size = medians["pipeline"], medians["storage"]
    worker_s, broker_s, database_s = (cpu[f"CPU {name}"] / 1e6 for name in ("worker", "broker", "database"))
    kafka_bytes = size["Kafka, raw, single readings"] + size["Kafka, canonical batches"]
    return Cost(worker_s, broker_s, database_s, kafka_bytes, size["database, table"] + size["database, indexes"])


def table(one: Cost) -> str:
    """Give the needs of each rate as a Markdown table."""
    head = (
        "events/s", "worker processes", "partitions", "database cores", "broker cores", "Kafka MB/s", "Kafka GB/day",
        "database GB/day", "compressed GB/day",
    )  # fmt: skip
    lines = [f"| {' | '.join(head)} |", f"|{' ---: |' * len(head)}"]
    return "\n".join([*lines, *(f"| {' | '.join(_row(one, rate))} |" for rate in RATES)])


def _row(one: Cost, rate: int) -> list[str]:
    workers = math.ceil(rate * one.worker_s / LOAD)
    cores = [rate * seconds / LOAD for seconds in (one.database_s, one.broker_s * COPIES)]
    kafka, rows = rate * one.kafka_bytes, rate * one.database_bytes
    return [
        f"{rate:,}",
        str(workers),
        str(max(4, SPARE * workers)),
        *(f"{each:.1f}" for each in cores),
        f"{kafka / 1e6:,.1f}",
        f"{kafka * COPIES * DAY_S / 1e9:,.0f}",
        f"{rows * DAY_S / 1e9:,.0f}",
        f"{rows * COMPRESSED * DAY_S / 1e9:,.0f}",
    ]


if __name__ == "__main__":
    print(table(cost(json.load(sys.stdin))))
