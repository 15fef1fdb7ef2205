"""Starts and stops one child process: reads a Command, gives a Child that cannot outlive its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local import launch
from deploy.local.account import Account

POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Command:
    """One child process, completely described.

    `env` is the whole environment, None to hand on our own. `account` changes the user (root only), with
    `keep_search` also the right to pass closed directories. `orphan_signal` is what the kernel sends to the
    child when we die without a word: the gentlest one that surely ends it. `nice` is added to its scheduling priority
    and to that of its session (nice(2): 0 as we are, 19 last).
    """

    argv: tuple[str, ...]
    log_path: Path
    env: Mapping[str, str] | None = None
    account: Account | None = None
    keep_search: bool = False
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals = signal.SIGKILL
    nice: int = 0


def launcher_argv(command: Command) -> list[str]:
    """Give the command line that goes through `launch.py`."""
    head = [sys.executable, "-I", "-S", launch.__file__]
    head += ["--parent", str(os.getpid()), "--orphan-signal", str(int(command.orphan_signal))]
    head += ["--nice", str(command.nice)] if command.nice else []
    if command.account is not None:
        head += ["--uid", str(command.account.uid), "--gid", str(command.account.gid)]
        head += ["--keep-search"] if command.keep_search else []
    return [*head, "--", *command.argv]


class Child:
    """A running child process in a session of its own, its output in a log file.

    Start it from the main thread: on Linux the kernel ties its life to the thread that started it.
    """

    def __init__(self, command: Command) -> None:
        command.log_path.parent.mkdir(parents=True, exist_ok=True)
        with command.log_path.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 -- argv comes from our own code
                launcher_argv(command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=command.env,
                start_new_session=True,
            )
        self._stop_signal = command.stop_signal

    @property
    def pid(self) -> int:
        """Process id; the launcher's, which the program keeps."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative when a signal ended it."""
        return self._process.poll()

    def running(self) -> bool:
        """Tell whether the process lives."""
        return self._process.poll() is None

    def ask_to_stop(self) -> None:
        """Send the polite stop signal."""
        if self.running():
            self._process.send_signal(self._stop_signal)

    def kill(self) -> None:
        """Send SIGKILL and wait for the end."""
        if self.running():
            self._process.kill()
        self._process.wait()

    def stop(self, timeout_s: float) -> bool:
        """Stop politely; after `timeout_s` kill. True when the polite way was enough."""
        self.ask_to_stop()
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
            return False
        return True


def run_to_end(command: Command, *, stdin: bytes = b"", timeout_s: float = 120.0) -> None:
    """Run a short command with its output in the log; raises CalledProcessError or TimeoutExpired."""
    with command.log_path.open("ab") as log:
        subprocess.run(  # noqa: S603 -- argv comes from our own code
            launcher_argv(command),
            input=stdin,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=command.env,
            timeout=timeout_s,
            check=True,
        )


def wait_until_gone(pids: list[int], timeout_s: float) -> bool:
    """Wait until none of these processes (children or not) lives; False when time ran out."""
    deadline = time.monotonic() + timeout_s
    while any(alive(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True


def alive(pid: int) -> bool:
    """Tell whether a process with this id exists and is no zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return sys.platform != "linux"
    return state != "Z"


def last_lines(log_path: Path, count: int = 3) -> str:
    """Give the last lines of a log, for a message to a person."""
    try:
        lines = log_path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return ""
    return " / ".join(line.strip() for line in lines[-count:])
