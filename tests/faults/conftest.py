"""Shows what a failed fault test saw, with its report: it comes through to where a person reads it from any process."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from tests.faults.telling import TOLD


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the scene of a failure."""
    report = yield
    while TOLD:
        report.sections.append(("what a failed fault test saw", TOLD.pop(0)))
    return report
