from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from deploy.cli import main
from deploy.commands import bench
from tests.bench.__main__ import BENCHES


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """Give the command lines that are started instead of running them; each ends with 7."""
    lines: list[Sequence[str]] = []

    def run(argv: Sequence[str], **_: Any) -> subprocess.CompletedProcess[bytes]:
        lines.append(argv)
        return subprocess.CompletedProcess(argv, 7)

    monkeypatch.setattr(subprocess, "run", run)
    return lines


def ended(*tokens: str) -> object:
    """Run the command line; give its exit code."""
    with pytest.raises(SystemExit) as caught:
        main(["bench", *tokens])
    return caught.value.code


def test_names_and_options_are_handed_on(started: list[Sequence[str]]) -> None:
    """What was asked reaches the benches, and how they end is how the command ends."""
    assert ended("pipeline", "zones", "--quick", "--json", "--runs", "2") == 7
    (argv,) = started
    assert argv[:3] == [sys.executable, "-m", "tests.bench"]
    assert argv[-3:] == ["--", "pipeline", "zones"]
    assert {"--quick", "--json"} < set(argv)
    assert argv[argv.index("--runs") + 1] == "2"


def test_outside_a_source_tree_it_says_the_way_out(
    started: list[Sequence[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An installed wheel has no benches: one sentence says where they are."""
    monkeypatch.setattr(bench, "ROOT", tmp_path)
    assert ended("pipeline") == 2
    assert "clone the repository" in " ".join(capsys.readouterr().err.split())
    assert started == []


def test_what_is_missing_is_named(
    started: list[Sequence[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A source tree without the development packages tells what to install."""
    monkeypatch.setattr(bench, "NEEDED", ("psutil", "no_such_package"))
    assert ended() == 2
    assert "no_such_package" in capsys.readouterr().err
    assert started == []


def test_the_help_names_every_bench() -> None:
    """Nobody looks for a bench in the source."""
    assert all(name in (bench.bench.__doc__ or "") for name in BENCHES)
