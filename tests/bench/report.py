"""Shows results as a table or as JSON, and appends them to docs/performance.md."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.baseline import place
from tests.bench.measure import Result, machine, versions

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"


def as_json(results: Sequence[Result]) -> str:
    """Give everything as one JSON object."""
    benches = {
        result.bench: {
            "notes": list(result.notes),
            "figures": [
                {
                    "name": figure.name,
                    "unit": figure.unit,
                    "median": figure.median,
                    "min": min(figure.values),
                    "max": max(figure.values),
                    "runs": len(figure.values),
                }
                for figure in result.figures
            ],
        }
        for result in results
    }
    head = {"at": _now(), "machine": machine(), "versions": versions()}
    return json.dumps(head | {"benches": benches}, indent=2)


def as_table(results: Sequence[Result]) -> str:
    """Give a Markdown table with a row for each figure."""
    lines = ["| bench | what | unit | median | min | max | runs |", "| --- | --- | --- | ---: | ---: | ---: | ---: |"]
    for result in results:
        for figure in result.figures:
            cells = (result.bench, figure.name, figure.unit, *figure.text(), str(len(figure.values)))
            lines.append(f"| {' | '.join(cells)} |")
    notes = [f"- {result.bench}: {note}." for result in results for note in result.notes]
    return "\n".join([*lines, "", *notes])


def record(results: Sequence[Result], machine_before: str) -> None:
    """Append the results to the page."""
    with PAGE.open("a", encoding="utf-8") as page:
        page.write(f"\n### {_now()}\n{machine_before}. {place()}. {versions()}.\n\n{as_table(results)}\n")


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
