from __future__ import annotations

import io
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
