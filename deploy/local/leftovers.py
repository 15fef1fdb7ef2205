"""Clears what a crash left behind: reads the processes of the machine, gives a data directory free for a start."""

from __future__ import annotations

import signal
from pathlib import Path

import psutil

from deploy.local.process import wait_until_gone

FAST_STOP_S = 20.0  # a shutdown with a full checkpoint
QUICK_STOP_S = 3.0


def stop_postgres_leftovers(data_dir: Path) -> None:
    """End servers that still work in `data_dir` and remove their pid file.

    Only call it while holding the lock of HOME: whatever still works there is then nobody's. A new server
    refuses to start beside an old one's backends, and also when an unrelated process has the old pid.
    """
    pid_file = data_dir / "postmaster.pid"
    found = postgres_processes(data_dir)
    main = _pid_in(pid_file)
    if main in found:
        _end([main], signal.SIGINT, FAST_STOP_S)
    _end(postgres_processes(data_dir), signal.SIGQUIT, QUICK_STOP_S)
    _end(postgres_processes(data_dir), signal.SIGKILL, QUICK_STOP_S)
    pid_file.unlink(missing_ok=True)


def postgres_processes(data_dir: Path) -> list[int]:
    """Give the ids of PostgreSQL processes whose working directory is `data_dir`."""
    wanted = str(data_dir.resolve())
    found = []
    for process in psutil.process_iter(["name"]):
        if process.info["name"] == "postgres":
            try:
                works_in = process.cwd()
            except psutil.Error:
                continue  # gone meanwhile, or somebody else's
            if works_in == wanted:
                found.append(process.pid)
    return found


def _end(pids: list[int], how: signal.Signals, timeout_s: float) -> None:
    for pid in pids:
        try:
            psutil.Process(pid).send_signal(how)
        except psutil.Error:
            continue
    wait_until_gone(pids, timeout_s)


def _pid_in(pid_file: Path) -> int:
    try:
        return int(pid_file.read_text(encoding="ascii").split()[0])
    except (FileNotFoundError, IndexError, ValueError):
        return -1
