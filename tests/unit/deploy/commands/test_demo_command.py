"""What `canh demo` refuses, and that it does so before anything is started."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from deploy.commands import demo as command
from schemas.errors import UsageError


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[object]:
    """Keep what would have been started."""
    kept: list[object] = []
    monkeypatch.setenv("CANH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(command, "run", lambda settings, _work: kept.append(settings))
    return kept


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"scenario": "nope"}, "song-ba-flood"),
        ({"speed": -1.0}, "--speed"),
        ({"speed": math.nan}, "--speed"),
        ({"scenario": "urban-day", "history_h": -3.0}, "--history-h"),
        ({"history_h": math.nan}, "--history-h"),
        ({"history_h": math.inf}, "--history-h"),
        ({"scenario": "sensor-faults", "speed": 0.0}, "leave out --speed"),
        ({"truth": Path("/nonexistent/dir/truth.json")}, "--truth /nonexistent/dir/truth.json"),
        ({"truth": Path("/")}, "--truth /"),
    ],
)
def test_what_cannot_be_is_said_before_anything_starts(started: list[object], given: dict[str, Any], says: str) -> None:
    """Nobody waits for servers, or sees passwords, only to learn of a slip of the keyboard."""
    with pytest.raises(UsageError, match=says):
        command.demo(**given)
    assert started == []


@pytest.mark.parametrize("given", [{}, {"scenario": "sensor-faults"}, {"scenario": "urban-day", "speed": 0.0}])
def test_what_can_be_is_started(started: list[object], given: dict[str, Any], tmp_path: Path) -> None:
    """A truth may be written over an old one, or beside it."""
    (tmp_path / "old.json").write_text("{}")
    for truth in (None, tmp_path / "old.json", tmp_path / "new.json"):
        command.demo(truth=truth, **given)
    assert len(started) == 3
