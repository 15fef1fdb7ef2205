from __future__ import annotations

import io
import json
import logging
import sys

import pytest

from deploy.bootstrap import configure_logs
from deploy.settings import Settings


@pytest.mark.parametrize("terminal", [True, False])
def test_colours_are_for_a_terminal(monkeypatch: pytest.MonkeyPatch, *, terminal: bool) -> None:
    """A log file, and the message that quotes its last lines, has no escape codes."""
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: terminal)
    monkeypatch.setattr(sys, "stderr", stream)
    configure_logs(Settings.load())
    logging.getLogger("canh").warning("something")
    assert "something" in stream.getvalue()
    assert ("\x1b[" in stream.getvalue()) == terminal


def test_json_has_the_text_of_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash that comes once in a month is understood from its log or not at all."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    configure_logs(Settings.load(log="json"))
    try:
        int("no number")
    except ValueError:
        logging.getLogger("canh").exception("worker.crashed")
    said = json.loads(stream.getvalue())
    assert said["event"] == "worker.crashed"
    assert "test_logs.py" in said["exception"]
