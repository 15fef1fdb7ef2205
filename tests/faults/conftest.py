"""Shows what a failed fault test saw, at the end of the run where a person reads it."""

from __future__ import annotations

import pytest

from tests.faults.telling import TOLD


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write the scene of each failure."""
    for told in TOLD:
        terminalreporter.section("what a failed fault test saw")
        terminalreporter.write_line(told)
