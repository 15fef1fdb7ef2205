"""`canh bench`: the front of `python -m tests.bench`, which measures Canh on this machine; for a source tree only."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from schemas.errors import UsageError

ROOT = Path(__file__).parents[2]
#: What the benches need besides Canh; a part of the extra `dev`.
NEEDED = ("httpx", "psutil")


def bench(
    *names: str,
    runs: int = 5,
    quick: bool = False,
    json: bool = False,
    rules: int = 200,
    profile: bool = False,
    minutes: float = 30.0,
) -> int:
    """Measure Canh on this machine, each bench on fresh servers of its own; nothing that runs here is touched.

    Full runs are appended to docs/performance.md; quick ones say how they compare with the recorded ratio.

    Parameters
    ----------
    names
        pipeline, pipeline-batched, latency, fanout, rules, zones, query, ingest-http, recovery, scale-out, storage,
        soak; none: all but soak.
    runs
        Runs of each bench; the median is shown with the least and the greatest.
    quick
        One small run of each, under a minute for pipeline; nothing is appended.
    json
        Print JSON instead of a table.
    rules
        Number of rules of pipeline's second figure.
    profile
        pipeline: also sample where the worker's time goes.
    minutes
        How long soak takes.
    """
    if not (ROOT / "tests" / "bench" / "__main__.py").exists():
        raise UsageError(
            "The benches are a part of the source tree, not of the installed package: "
            "clone the repository and run `make bench` there."
        )
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise UsageError(f"The benches need {', '.join(missing)}: pip install -e '.[embedded,dev]'.")
    options = ["--runs", str(runs), "--rules", str(rules), "--minutes", str(minutes)]
    options += [f"--{name}" for name, asked in (("quick", quick), ("json", json), ("profile", profile)) if asked]
    argv = [sys.executable, "-m", "tests.bench", *options, "--", *names]
    return subprocess.run(argv, cwd=ROOT, check=False).returncode  # noqa: S603 -- our own module
