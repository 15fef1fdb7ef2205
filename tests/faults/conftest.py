"""Shows what a fault test measured and, when it failed, what it saw, at the end of the run where a person reads it."""

from __future__ import annotations

import pytest

from tests.faults.telling import TOLD


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write one line for each measured number, and the scene of each failure."""
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        if report.when == "call" and "/faults/" in report.nodeid:
            for name, value in report.user_properties:
                terminalreporter.write_line(f"measured: {report.nodeid.rpartition('::')[2]}: {name}: {value}")
    for told in TOLD:
        terminalreporter.section("what a failed fault test saw")
        terminalreporter.write_line(told)
