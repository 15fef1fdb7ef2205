"""Keeps a ratio from getting worse unseen: the newest quick result against the one in baseline.json.

`python -m tests.bench.baseline` (part of `make check`) measures nothing: it compares what the last run of a bench with
a ratio has left in .canh/bench.json, prints a warning where that is more than a fifth below, and always ends with 0.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

BASELINE = Path(__file__).with_name("baseline.json")
NEWEST = Path(__file__).parents[2] / ".canh" / "bench.json"
#: A ratio that fell by more than this share is told; a busy machine alone can cost that much.
FALL = 0.20


def place() -> str:
    """Give what a ratio depends on besides the code: cores, and which servers."""
    broker, database = (os.environ.get(f"CANH_TEST_{name}") or "embedded" for name in ("BROKER", "DATABASE"))
    return f"{os.cpu_count()} cores, {broker} broker, {database} database"


def remember(ratios: Iterable[tuple[str, float]], path: Path = NEWEST) -> None:
    """Write down the newest quick ratio of each bench; others stay."""
    there = read(path)
    at = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    for bench, ratio in ratios:
        there.setdefault(place(), {})[bench] = {"ratio": round(ratio, 4), "at": at}
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(there, indent=2) + "\n", encoding="utf-8")


def read(path: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """Give what a file keeps: place -> bench -> ratio and time; nothing when it is not there."""
    return json.loads(path.read_text("utf-8")) if path.exists() else {}


def warnings(kept: dict[str, dict[str, dict[str, Any]]], newest: dict[str, dict[str, dict[str, Any]]]) -> list[str]:
    """Say which newest ratios are more than FALL below the kept ones, with both numbers."""
    return [
        f"bench {bench} ({where}): ratio to the limit {now['ratio']:.3f} ({now['at']}) is more than {FALL:.0%} below "
        f"{was['ratio']:.3f} ({was['at']}); measure again on a quiet machine: canh bench {bench} --quick"
        for where, benches in newest.items()
        for bench, now in benches.items()
        if (was := kept.get(where, {}).get(bench)) is not None and now["ratio"] < was["ratio"] * (1 - FALL)
    ]


if __name__ == "__main__":
    for line in warnings(read(BASELINE), read(NEWEST)):
        print(f"warning: {line}")
