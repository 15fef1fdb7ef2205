"""Shared by all tests: real servers as fixtures, an environment without our own variables, skips that are seen."""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Generator, Iterator

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.servers.fixtures"]

for name in [name for name in os.environ if name.startswith("CANH_") and not name.startswith("CANH_TEST_")]:
    del os.environ[name]

# A slow machine is no failure. Where everything counts (CI) the same examples come every time; elsewhere new ones do,
# and what fails there is told in a form that can be tried again.
settings.register_profile(
    "canh",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
    derandomize=bool(os.environ.get("CANH_TEST_NO_SKIP")),
)
settings.load_profile("canh")

#: Reasons that stand even where nothing may be skipped: what no package of this kind can give.
CANNOT_BE_HAD = ("TimescaleDB full edition",)


@pytest.fixture(autouse=True)
def logs_end_with_the_test() -> Iterator[None]:
    """Take away the log of a command that ran in this process: it would write to a stream that is closed by then."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    root.handlers[:] = [handler for handler in root.handlers if handler in before]
    root.setLevel(level)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write one line for each number that a test measured (`record_property`)."""
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, value in report.user_properties if report.when == "call" else ():
            terminalreporter.write_line(f"measured: {report.nodeid.rpartition('::')[2]}: {name}: {value}")


class SkipsAreFailures:
    """Where everything can be had (CI), a skipped test is one that was forgotten."""

    def __init__(self) -> None:
        self.skipped: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            reason = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
            if not any(allowed in reason for allowed in CANNOT_BE_HAD):
                self.skipped.append(f"{report.nodeid}: {reason}")

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.skipped and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for line in self.skipped:
            terminalreporter.write_line(f"skipped where nothing may be skipped: {line}", red=True)


#: Tests that kill processes and cut connections: what that leaves to the garbage collector is none of their faults.
ROUGH = ("integration", "e2e", "faults")
LEFT_LYING = ("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


def rough(item: pytest.Item | None) -> bool:
    return item is not None and any(item.get_closest_marker(kind) for kind in ROUGH)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, object, object]:
    """Clear up after the last rough test, so that what it left is not held against a gentle one."""
    done = yield
    if rough(item) and not rough(nextitem):
        told, sys.unraisablehook = sys.unraisablehook, lambda _: None
        gc.collect()
        sys.unraisablehook = told
    return done


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is about the other kind of server: it runs in the pass that is for it."""
    for item in filter(rough, items):
        for warning in LEFT_LYING:
            item.add_marker(pytest.mark.filterwarnings(warning))
    other = "embedded_only" if os.environ.get("CANH_TEST_BROKER") == "kafka" else "kafka_only"
    left_out = [item for item in items if item.get_closest_marker(other)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker(other)]


def pytest_configure(config: pytest.Config) -> None:
    if os.environ.get("CANH_TEST_NO_SKIP"):
        config.pluginmanager.register(SkipsAreFailures())
