"""What a worker under watch (worker.py) writes about its runs, and what a bench reads of it.

One JSON line for each run of records that a hop has carried; times are CLOCK_MONOTONIC, which all processes share.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

#: Names the file that a worker writes to.
TRACE_VARIABLE = "CANH_BENCH_TRACE"


@dataclass(frozen=True, slots=True)
class Carried:
    """One run of a hop: when it began and ended, how far it reached, and its seconds in `work` and in the commit.

    `next_offset` is that of the record after it; the very first line of a worker only says that it begins (0).
    """

    hop: str
    topic: str
    partition: int
    began: float
    ended: float
    next_offset: int
    work_s: float
    commit_s: float


@dataclass
class Trace:
    """Follows a trace file while it grows."""

    path: Path
    runs: list[Carried] = field(default_factory=list)
    _read: int = 0

    def follow(self) -> list[Carried]:
        """Give all runs so far."""
        if self.path.exists():
            with self.path.open("rb") as file:
                file.seek(self._read)
                text = file.read()
            whole = text[: text.rfind(b"\n") + 1]
            self._read += len(whole)
            self.runs += [Carried(**json.loads(line)) for line in whole.splitlines()]
        return self.runs

    def reached(self, hop: str, topic: str) -> dict[int, int]:
        """Give how far a hop has carried each partition of a topic: the next offset."""
        reached: dict[int, int] = {}
        for run in self.follow():
            if (run.hop, run.topic) == (hop, topic):
                reached[run.partition] = max(run.next_offset, reached.get(run.partition, 0))
        return reached

    def last(self, topic: str) -> float:
        """Give when the newest run of a topic ended; 0 when there was none."""
        return max((run.ended for run in self.runs if run.topic == topic), default=0.0)

    def begun(self) -> float | None:
        """Give when the first run was handed to its hop, None before there was one."""
        return min((run.began for run in self.follow()), default=None)


def seconds_of(traces: Iterable[Trace]) -> dict[str, float]:
    """Give the seconds that each hop spent in `work` and in waiting for the database, in all processes."""
    totals: dict[str, float] = defaultdict(float)
    for run in chain.from_iterable(trace.follow() for trace in traces):
        totals[f"{run.hop}: work"] += run.work_s
        totals[f"{run.hop}: commit"] += run.commit_s
    return dict(totals)
