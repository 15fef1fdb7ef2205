"""The data directory of the embedded run: reads the disk, gives a locked HOME with ports, pid files and logs.

Layout: broker/ and postgres/ (data), logs/NAME.log, run/NAME.pid, run/addresses.json, lock.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Self

import psutil

from deploy.local.account import ROOT_UID, user_name
from deploy.local.pidfile import PidFile
from deploy.local.server import LOOPBACK, free_port
from schemas.errors import UsageError

NEEDED_BYTES = 1_000_000_000
LOG_LIMIT_BYTES = 20_000_000
#: Less than this free while Canh runs is said: the broker's save and PostgreSQL's log may fail at any moment.
LOW_BYTES = 200_000_000


class Home:
    """HOME, ours alone between `open` and `close`; also a context manager."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._lock: IO[str] | None = None

    @property
    def logs_dir(self) -> Path:
        """Where the servers' logs are."""
        return self.path / "logs"

    def open(self) -> Self:
        """Make the directory, check the disk, take the lock, end what a crash left; raises UsageError."""
        _make_directory(self.path)
        self._check_disk()
        self._take_lock()
        for name in ("logs", "run"):
            (self.path / name).mkdir(mode=0o700, exist_ok=True)
        for left in (self.path / "run").glob("*.pid"):
            PidFile(left).end_leftover()
        self._addresses.unlink(missing_ok=True)  # a crash's, which would send other commands astray
        return self

    def close(self) -> None:
        """Give the lock back and leave no file that says somebody is here."""
        if self._lock is None:
            return
        self._addresses.unlink(missing_ok=True)
        self._lock_path.unlink(missing_ok=True)  # while it is still ours
        self._lock.close()
        self._lock = None

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(self, *error: object) -> None:
        self.close()

    def pid_file(self, name: str) -> PidFile:
        """Give the pid file of a service."""
        return PidFile(self.path / "run" / f"{name}.pid")

    def publish(self, addresses: Mapping[str, str]) -> None:
        """Tell other commands on this machine where the running servers are (readable by this user only)."""
        fresh = self._addresses.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(dict(addresses)), encoding="utf-8")
        fresh.replace(self._addresses)

    def addresses(self) -> dict[str, str]:
        """Give what the running `canh up` published, empty when none runs here."""
        if not self.in_use():
            return {}
        try:
            found: dict[str, str] = json.loads(self._addresses.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise UsageError(_not_open(self.path, error)) from None
        return found

    def in_use(self) -> bool:
        """Tell whether somebody else holds the lock now; raises UsageError when it cannot be looked at."""
        try:
            with self._lock_path.open("r", encoding="ascii") as lock:
                return not _locked(lock)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise UsageError(_not_open(self.path, error)) from None

    def bound_logs(self, limit_bytes: int = LOG_LIMIT_BYTES) -> None:
        """Move a log that grew past the limit to NAME.log.1; the servers go on writing to the same file.

        On a full disk it is emptied all the same: better no old log than no space.
        """
        for log in self.logs_dir.glob("*.log"):
            if log.stat().st_size > limit_bytes:
                old = log.with_suffix(".log.1")
                try:
                    shutil.copyfile(log, old)
                except OSError:
                    old.unlink(missing_ok=True)
                os.truncate(log, 0)  # they write in append mode

    def shortage(self) -> str:
        """Say that the disk is nearly full, with the way out; empty while it is not."""
        free = shutil.disk_usage(self.path).free
        if free >= LOW_BYTES:
            return ""
        return (
            f"{free / 1e6:.0f} MB are free at {self.path}: on a full disk what comes waits in the broker's memory. "
            "Free some space, and do not stop Canh before; it then goes on by itself."
        )

    @property
    def _lock_path(self) -> Path:
        return self.path / "lock"

    @property
    def _addresses(self) -> Path:
        return self.path / "run" / "addresses.json"

    def _check_disk(self) -> None:
        free = shutil.disk_usage(self.path).free
        if free < NEEDED_BYTES:
            raise UsageError(
                f"The disk of {self.path} has {free / 1e9:.1f} GB free; {NEEDED_BYTES / 1e9:.0f} GB are needed. "
                "Free some space, or set CANH_HOME to a directory on another disk."
            )

    def _take_lock(self) -> None:
        while self._lock is None:
            lock = self._lock_path.open("a+", encoding="ascii")
            if not _locked(lock):
                lock.seek(0)
                holder = lock.read().strip() or "unknown"
                lock.close()
                raise UsageError(
                    f"Canh already runs in {self.path} (process {holder}). Stop it there with Ctrl-C "
                    f"(or: kill {holder}), or set CANH_HOME to another directory for a second one."
                )
            self._keep(lock)

    def _keep(self, lock: IO[str]) -> None:
        """Keep the lock, unless its file was removed by the one who closed just before us."""
        try:
            same = os.path.samestat(os.fstat(lock.fileno()), self._lock_path.stat())
        except FileNotFoundError:
            same = False
        if not same:
            lock.close()
            return
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock


def choose_port(wanted: int, what: str, variable: str, host: str = LOOPBACK) -> int:
    """Give the port for a server of ours that listens on `host`: `wanted` when it is free, any free one for 0.

    Raises UsageError that names who has the port, as far as we may see it, and the variable to change.
    """
    port = wanted or free_port()
    try:
        _try_to_bind(host, port)
    except OSError as error:
        why = error.strerror or str(error)
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            raise UsageError(
                f"The {what} cannot listen on {host}: {why}. Set CANH_API_HOST to an address of this machine."
            ) from None
        raise UsageError(
            f"Port {port} for the {what} cannot be used{_holder(port)}: {why}. "
            f"Stop that program, or set {variable} to another port ({variable}=0 takes any free one)."
        ) from None
    return port


def _try_to_bind(host: str, port: int) -> None:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)


def _holder(port: int) -> str:
    try:
        listening = psutil.net_connections("tcp")
    except psutil.Error:
        return ""
    pids = [seen.pid for seen in listening if seen.status == psutil.CONN_LISTEN and seen.laddr[1:] == (port,)]
    if not pids or pids[0] is None:
        return ""
    try:
        return f" (taken by {psutil.Process(pids[0]).name()}, process {pids[0]})"
    except psutil.Error:
        return ""


def _not_open(path: Path, error: OSError) -> str:
    return f"The data directory {path} cannot be read: {error.strerror}. Set CANH_HOME to a directory of your own."


def _make_directory(path: Path) -> None:
    """Make it closed to others; for root passable, as PostgreSQL then is another user's."""
    try:
        path.mkdir(mode=0o711 if os.geteuid() == ROOT_UID else 0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"Cannot make the data directory {path}: {error.strerror}. Set CANH_HOME to a directory that you may write."
        ) from None
    if not os.access(path, os.W_OK | os.X_OK):
        raise UsageError(
            f"You may not write in {path}, which belongs to user {user_name(path.stat().st_uid)}. "
            "Run as that user, or set CANH_HOME to a directory of your own."
        )


def _locked(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
