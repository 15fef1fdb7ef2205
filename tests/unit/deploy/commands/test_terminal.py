from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from deploy.commands import terminal
from deploy.commands.terminal import settings_here, show
from deploy.local.home import Home
from schemas.errors import UsageError
from schemas.topics import TOPICS


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No server is named, and the home is a fresh one."""
    for name in ("CANH_KAFKA", "CANH_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CANH_HOME", str(tmp_path / "h"))


def test_a_command_finds_the_servers_of_the_canh_up_beside_it(tmp_path: Path) -> None:
    """Nobody types addresses that `canh up` knows."""
    with Home(tmp_path / "h") as running:
        running.publish({"kafka": "127.0.0.1:19092", "database_url": "postgresql://canh@127.0.0.1/canh"})
        found = settings_here()
    assert found.kafka == "127.0.0.1:19092"
    assert found.database_url is not None


def test_a_command_beside_a_canh_up_that_still_starts_is_told_to_wait(tmp_path: Path) -> None:
    """It is not told to run `canh up`, which runs already."""
    with Home(tmp_path / "h"), pytest.raises(UsageError, match="still starting"):
        settings_here()


def test_where_nothing_runs_the_settings_stay_as_they_are() -> None:
    """Then the command itself says what it misses."""
    assert settings_here().kafka is None


def test_no_name_is_cut_on_a_narrow_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person copies it into the next command; the other columns wrap."""
    monkeypatch.setattr(terminal, "results", Console(width=60, highlight=False))
    names = [topic.name for topic in TOPICS]
    show("Topics", ("name", "meaning"), [(name, "many words " * 20 + "x" * 70) for name in names], as_json=False)
    out = capsys.readouterr().out
    assert [name for name in names if name not in out] == []
    assert "…" not in out


def test_a_table_in_a_pipe_is_not_cut(capsys: pytest.CaptureFixture[str]) -> None:
    """What a program reads has no screen: the longest cell stands in one line."""
    place = "canh.raw.bulk/3/" + "9" * 300
    show("Dead letters", ["place", "reason"], [[place, "bad_json"]], as_json=False)
    assert place in capsys.readouterr().out
