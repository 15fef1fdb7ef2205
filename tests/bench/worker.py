"""`python -m tests.bench.worker`: `canh worker` with an eye on it: writes a line for each run (trace.py).

--rules N: the library's rules and so many made ones that there are N. --partitions N: the bulk lane's topics have N.
All other options are those of `canh worker`.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import deploy.bootstrap
import streams.pipeline
from deploy.cli import main
from schemas.events import Lane
from schemas.store.timescale import TimescaleStore
from streams.hop import Carrier, Hop
from streams.pipeline import Step
from streams.rules.load import library
from streams.rules.rule import Rule
from tests.bench.rules import rule
from tests.bench.trace import TRACE_VARIABLE, Carried

_begun: list[float] = []
_work_s: dict[str, float] = {}
_commit_s: dict[str, float] = {}


def watch(path: Path) -> None:
    """Time every run, what its hop does with it, and what it waits for the database."""
    file = path.open("a", encoding="utf-8", buffering=1)
    carry, made, commit = Carrier.carry, Carrier.__init__, TimescaleStore.commit

    def note(line: Carried) -> None:
        file.write(json.dumps(asdict(line)) + "\n")

    async def watched_carry(self: Carrier, run: Any) -> None:
        hop, place, began = self.hop.name, run.ticket.place, time.monotonic()
        if not _begun:
            _begun.append(began)
            note(
                Carried(hop, place.topic, place.partition, began, began, 0, 0.0, 0.0)
            )  # who waits for the first record hears of it now
        await carry(self, run)
        spent = _work_s.pop(hop, 0.0), _commit_s.pop(hop, 0.0)
        note(Carried(hop, place.topic, place.partition, began, time.monotonic(), run.ticket.last + 1, *spent))

    def watched_made(self: Carrier, hop: Hop, *args: Any, **kwargs: Any) -> None:
        hop.work = _timed(hop.work, lambda *_: hop.name, _work_s)  # type: ignore[method-assign]
        made(self, hop, *args, **kwargs)

    Carrier.carry = watched_carry  # type: ignore[method-assign]
    Carrier.__init__ = watched_made  # type: ignore[method-assign]
    TimescaleStore.commit = _timed(commit, _hop_of, _commit_s)  # type: ignore[method-assign]


def _hop_of(_store: TimescaleStore, change: Any, *_: Any) -> str:
    return change.offset.hop if change.offset else ""


def _timed(call: Callable[..., Awaitable[Any]], name_of: Callable[..., str], into: dict[str, float]) -> Any:
    async def timed(*args: Any, **kwargs: Any) -> Any:
        began = time.monotonic()
        try:
            return await call(*args, **kwargs)
        finally:
            name = name_of(*args)
            into[name] = into.get(name, 0.0) + time.monotonic() - began

    return timed


def many_rules(count: int) -> tuple[Rule, ...]:
    """Give the library's rules, and made ones up to a number."""
    known = library()
    return (*known, *(rule(n) for n in range(count - len(known))))


def with_partitions(count: int) -> None:
    """Tell the pipeline that the bulk lane's topics have so many partitions."""

    def wider(step: Step) -> Step:
        if step.lane != Lane.BULK:
            return step
        sends = replace(step.sends, partitions=count) if step.sends else None
        return replace(step, reads=replace(step.reads, partitions=count), sends=sends)

    streams.pipeline.PIPELINE = tuple(wider(step) for step in streams.pipeline.PIPELINE)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rules", type=int, default=0)
    parser.add_argument("--partitions", type=int, default=0)
    given, others = parser.parse_known_args()
    if given.rules:
        rules = many_rules(given.rules)
        deploy.bootstrap.library = lambda: rules  # type: ignore[attr-defined]  # what make_lanes gives to `evaluate`
    if given.partitions:
        with_partitions(given.partitions)
    watch(Path(os.environ[TRACE_VARIABLE]))
    main(["worker", *others])
