"""`python -m tests.bench [NAME ...]`: measures; appends what full runs gave to docs/performance.md."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial

from tests.bench import (
    baseline,
    batched,
    fanout,
    ingest_http,
    latency,
    pipeline,
    query,
    recovery,
    rules,
    scale_out,
    soak,
    storage,
    zones,
)
from tests.bench.measure import Result, machine
from tests.bench.report import as_json, as_table, record

Bench = Callable[..., Result]
BENCHES: dict[str, Bench] = {
    "pipeline": pipeline.bench,
    "pipeline-batched": batched.bench,
    "latency": latency.bench,
    "fanout": fanout.bench,
    "rules": rules.bench,
    "zones": zones.bench,
    "query": query.bench,
    "ingest-http": ingest_http.bench,
    "recovery": recovery.bench,
    "scale-out": scale_out.bench,
    "storage": storage.bench,
    "soak": soak.bench,
}
#: Runs only when it is named: it takes half an hour.
ONLY_BY_NAME = frozenset({"soak"})


def main() -> int:
    """Run the benches asked for, all but the soak by default; one that fails does not keep the others from running."""
    parser = _parser()
    given = parser.parse_args()
    if unknown := sorted(set(given.names) - set(BENCHES)):
        parser.error(f"there is no bench {unknown[0]!r}: choose among {', '.join(BENCHES)}")
    names = given.names or [name for name in BENCHES if name not in ONLY_BY_NAME]
    results, failed = [], []
    for name in names:
        before, begun = machine(), time.monotonic()
        print(f"{name}: {before}", file=sys.stderr, flush=True)
        try:
            result = _chosen(name, given)(given.runs, quick=given.quick)
        except Exception as error:  # noqa: BLE001 -- outermost: hours of other benches may follow
            print(f"{name} failed: {error!r}", file=sys.stderr)
            failed.append(name)
            continue
        results.append(result)
        print(f"{name}: {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
        if not (given.quick or given.unrecorded or given.profile):  # who is watched is slower
            record([result], before)
    print(as_json(results) if given.json else as_table(results))
    _keep(results, given)
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHES))
    parser.add_argument("--runs", type=int, default=5, help="runs of each bench (default: 5)")
    parser.add_argument("--quick", action="store_true", help="one small run of each; docs/performance.md stays")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--rules", type=int, default=pipeline.MANY_RULES, help="rules of pipeline's second figure")
    parser.add_argument("--profile", action="store_true", help="pipeline: sample the worker, record nothing")
    parser.add_argument("--minutes", type=float, default=soak.MINUTES, help="soak: how long")
    parser.add_argument("--unrecorded", action="store_true", help="leave docs/performance.md as it is")
    parser.add_argument("--baseline", action="store_true", help="with --quick: keep the ratios in baseline.json")
    return parser


def _chosen(name: str, given: argparse.Namespace) -> Bench:
    if name == "pipeline":
        return partial(pipeline.bench, rules=given.rules, profile=given.profile)
    return partial(soak.bench, minutes=given.minutes) if name == "soak" else BENCHES[name]


def _keep(results: list[Result], given: argparse.Namespace) -> None:
    """Note quick ratios for `make check`, and say at once when one has fallen."""
    ratios = [(one.bench, one.ratio) for one in results if one.ratio is not None]
    if not given.quick or given.profile or not ratios:
        return
    baseline.remember(ratios)
    if given.baseline:
        baseline.remember(ratios, baseline.BASELINE)
    for bench, ratio in ratios:
        print(f"{bench}: {ratio:.3f} of the limit", file=sys.stderr)
    for line in baseline.warnings(baseline.read(baseline.BASELINE), baseline.read(baseline.NEWEST)):
        print(f"warning: {line}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
