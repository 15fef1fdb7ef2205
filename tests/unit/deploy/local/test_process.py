from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from deploy.local.launch import AUTOGROUP
from deploy.local.process import Child, Command, run_to_end

#: Prints the niceness of the process, and that of its session's group where the kernel has such.
TELL = """
import os, pathlib
group = pathlib.Path("/proc/self/autogroup")
print(os.nice(0), *(group.read_text().split()[-2:] if group.exists() else ()))
"""


def told_by_a_child(tmp_path: Path, nice: int) -> list[str]:
    log = tmp_path / "child.log"
    child = Child(Command((sys.executable, "-c", TELL), log, nice=nice))
    try:
        deadline = time.monotonic() + 30
        while child.running() and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        child.kill()
    return log.read_text().split()


def test_a_child_runs_with_the_niceness_that_it_is_given(tmp_path: Path) -> None:
    """It is added to our own before the program begins; nice(2) says no more than 19."""
    log = tmp_path / "x.log"
    run_to_end(Command((sys.executable, "-c", "import os; print(os.nice(0))"), log, nice=5))
    assert int(log.read_text()) == min(os.nice(0) + 5, 19)


def test_the_session_of_a_child_stands_back_with_it(tmp_path: Path) -> None:
    """Where the kernel shares the processor between sessions, the niceness of a process alone changes nothing."""
    nice = min(os.nice(0) + 7, 19)
    group = ["nice", str(nice)] if AUTOGROUP.exists() else []
    assert told_by_a_child(tmp_path, 7) == [str(nice), *group]


def test_the_session_of_whoever_starts_it_does_not(tmp_path: Path) -> None:
    """A command that runs to its end is of our session: its niceness is its own."""
    before = AUTOGROUP.read_text() if AUTOGROUP.exists() else ""
    run_to_end(Command((sys.executable, "-c", TELL), tmp_path / "x.log", nice=5))
    assert (AUTOGROUP.read_text() if AUTOGROUP.exists() else "") == before
