"""The command line itself: its help, its version, and what becomes of an error that nobody expected."""

from __future__ import annotations

import logging
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from deploy import cli
from deploy.fault import HANDLER
from deploy.words import words_of


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CANH_HOME", str(tmp_path))
    return tmp_path


def ended(capsys: pytest.CaptureFixture[str], *tokens: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as end:
        cli.main(tokens)
    return int(str(end.value.code)), *capsys.readouterr()


def test_help_says_what_each_command_does_and_what_an_exit_code_means(capsys: pytest.CaptureFixture[str]) -> None:
    """One word about each verb, in the words of the verb's own help."""
    _, out, _ = ended(capsys, "--help")
    words = " ".join(out.replace("│", " ").split())
    for verb in [name for name in cli.app if not name.startswith("-")]:
        assert (cli.app[verb].help or "").split("\n\n")[0] in words, verb
    assert "2 the command cannot be carried out as given" in words


def test_help_loads_no_command() -> None:
    """A worker does not load the API, and neither does a look at the help."""
    told = "import sys, deploy.cli; print([m for m in sys.modules if m.startswith('deploy.commands.')])"
    assert subprocess.run([sys.executable, "-c", told], capture_output=True, check=True).stdout.strip() == b"[]"


def test_words_come_from_the_command_itself() -> None:
    """The docstring of a function, the help of a group; a name that is gone is an error at once."""
    assert words_of("up:up").startswith("Start broker, database")
    assert words_of("zones:app").startswith("Areas")
    with pytest.raises(LookupError):
        words_of("zones:gone")


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A tree that was never installed tells what its pyproject.toml says."""
    monkeypatch.setattr(cli, "version", lambda _name: "9.9")
    assert ended(capsys, "--version")[1] == "9.9\n"

    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(cli, "version", missing)
    assert cli.version_here().count(".") == 2


def break_doctor(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, as_json: bool) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("deploy.commands.doctor.show", broken)


def test_a_bug_is_one_sentence_and_its_traceback_is_kept(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 70, as of the reference; the file tells where it happened."""
    break_doctor(monkeypatch)
    code, _, err = ended(capsys, "doctor")
    assert code == 70
    assert "ZeroDivisionError: a bug" in err
    assert "Traceback" not in err
    (kept,) = (home / "logs").glob("fault-*.log")
    assert kept.name in "".join(err.split())
    assert "in broken" in kept.read_text()


@pytest.mark.parametrize("how", ["debug", "no home"])
def test_a_bug_is_shown_where_it_was_asked_for_or_cannot_be_kept(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """With CANH_LOG_LEVEL=debug, and where there is no home: a fault does not make one."""
    break_doctor(monkeypatch)
    if how == "debug":
        monkeypatch.setenv("CANH_LOG_LEVEL", "debug")
    else:
        monkeypatch.setenv("CANH_HOME", str(home / "none"))
    code, _, err = ended(capsys, "doctor")
    assert (code, "in broken" in err) == (70, True)
    assert not (home / "none").exists()


def test_a_bug_of_a_process_that_logs_is_in_its_log(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a container no file would be found again."""
    break_doctor(monkeypatch)
    handler = logging.StreamHandler(sys.stderr)
    handler.set_name(HANDLER)
    logging.getLogger().addHandler(handler)
    try:
        code, _, err = ended(capsys, "doctor")
    finally:
        logging.getLogger().removeHandler(handler)
    assert (code, "in broken" in err) == (70, True)
    assert not (home / "logs").exists()
