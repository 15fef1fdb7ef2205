from __future__ import annotations

import json
from pathlib import Path

from tests.bench import baseline
from tests.bench.__main__ import BENCHES


def kept(ratio: float, where: str = "2 cores") -> dict[str, dict[str, dict[str, object]]]:
    """Give what a file keeps of one bench."""
    return {where: {"pipeline": {"ratio": ratio, "at": "then"}}}


def test_a_ratio_that_fell_by_more_than_a_fifth_is_told_with_both_numbers() -> None:
    """Who reads the warning sees what was measured and what it is compared with."""
    (told,) = baseline.warnings(kept(0.50), kept(0.39))
    assert "0.390" in told
    assert "0.500" in told


def test_a_little_less_or_more_is_no_news() -> None:
    """A busy machine alone can cost a fifth; a better ratio is no warning either."""
    assert baseline.warnings(kept(0.50), kept(0.41)) == []
    assert baseline.warnings(kept(0.50), kept(0.90)) == []


def test_other_machines_and_servers_are_not_compared() -> None:
    """A ratio of another machine size says nothing about this one."""
    assert baseline.warnings(kept(0.50, "8 cores"), kept(0.10)) == []


def test_the_newest_result_of_each_bench_is_kept(tmp_path: Path) -> None:
    """A bench that is run again replaces its own number only."""
    file = tmp_path / "new" / "bench.json"
    baseline.remember([("pipeline", 0.5), ("pipeline-batched", 0.6)], file)
    baseline.remember([("pipeline", 0.4)], file)
    there = baseline.read(file)[baseline.place()]
    assert {name: kept["ratio"] for name, kept in there.items()} == {"pipeline": 0.4, "pipeline-batched": 0.6}


def test_nothing_measured_yet_is_no_warning(tmp_path: Path) -> None:
    """`make check` in a fresh clone is silent about speed."""
    assert baseline.warnings(kept(0.5), baseline.read(tmp_path / "none.json")) == []


def test_the_recorded_ratios_are_of_known_benches() -> None:
    """A renamed bench would be compared with nothing, unseen."""
    for benches in json.loads(baseline.BASELINE.read_text("utf-8")).values():
        assert set(benches) <= set(BENCHES)
        assert all(kept["ratio"] > 0 for kept in benches.values())
