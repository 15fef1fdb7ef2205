"""Remembers a child process over our own death: reads a pid file, gives the process back only if it is the same."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import psutil

from deploy.local.process import wait_until_gone

LEFTOVER_STOP_S = 15.0
SAME_START_S = 0.5  # clock ticks and rounding; a pid is not used again that fast


class PidFile:
    """One file with a process id, its start time and the signal that stops it politely."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, pid: int, stop_signal: signal.Signals) -> None:
        """Remember a process that just started."""
        try:
            started = psutil.Process(pid).create_time()
        except psutil.Error:
            return  # it is gone already: nothing to remember
        note = {"pid": pid, "started": started, "stop_signal": int(stop_signal)}
        self.path.write_text(json.dumps(note), encoding="ascii")

    def remove(self) -> None:
        """Forget the process."""
        self.path.unlink(missing_ok=True)

    def end_leftover(self) -> None:
        """End the remembered process when it still lives, politely first; then forget it.

        A file of a process that is gone, a pid that another program has now, or a broken file is only removed.
        """
        found = self._process()
        if found is not None:
            process, stop_signal = found
            _end(process, stop_signal)
        self.remove()

    def _process(self) -> tuple[psutil.Process, int] | None:
        try:
            note = json.loads(self.path.read_text(encoding="ascii"))
            process = psutil.Process(note["pid"])
            same = abs(process.create_time() - note["started"]) < SAME_START_S
            return (process, note["stop_signal"]) if same else None
        except (FileNotFoundError, ValueError, TypeError, KeyError, psutil.Error):
            return None


def _end(process: psutil.Process, stop_signal: int) -> None:
    for how in (stop_signal, signal.SIGKILL):
        try:
            process.send_signal(how)
        except psutil.Error:
            return
        if wait_until_gone([process.pid], LEFTOVER_STOP_S):
            return
