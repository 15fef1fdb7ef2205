"""Real servers for tests: reads which ones are wanted, gives a broker and a database to start.

CANH_TEST_BROKER=embedded|kafka and CANH_TEST_DATABASE=embedded|timescale choose; embedded is the default.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Protocol

import psutil

from deploy.local.process import alive


class Server(Protocol):
    """What every server under test can do; a restarted server keeps its address and its data."""

    @property
    def pid(self) -> int | None:
        """Process id of the server itself, None before the first start."""

    def unavailable(self) -> str | None:
        """Tell why this server cannot run here, None when it can."""

    def running(self) -> bool:
        """Tell whether its process lives."""

    def start(self) -> None:
        """Start the process; does nothing while it runs."""

    def wait_ready(self, timeout_s: float = ...) -> None:
        """Wait until it answers; raises CanhError when it does not."""

    def stop(self) -> None:
        """Stop politely."""

    def kill9(self) -> None:
        """End it as a crash would."""

    def restart(self, timeout_s: float = ...) -> None:
        """Start again, running or not, and wait until it is ready."""

    def discard(self) -> None:
        """Remove its data; it is stopped."""


class BrokerServer(Server, Protocol):
    """A Kafka broker under test."""

    @property
    def bootstrap(self) -> str:
        """Address for Kafka clients."""


class DatabaseServer(Server, Protocol):
    """A PostgreSQL under test."""

    def create_database(self) -> str:
        """Make an empty database and give its dsn."""


def chosen_broker() -> BrokerServer:
    """Give the broker that CANH_TEST_BROKER names, not started."""
    from tests.servers.embedded import EmbeddedBroker
    from tests.servers.kafka import Kafka

    kinds: dict[str, type[EmbeddedBroker | Kafka]] = {"embedded": EmbeddedBroker, "kafka": Kafka}
    return kinds[_choice("CANH_TEST_BROKER", list(kinds))](temporary_home())


def chosen_database() -> DatabaseServer:
    """Give the database that CANH_TEST_DATABASE names, not started."""
    from tests.servers.embedded import EmbeddedDatabase
    from tests.servers.timescale import Timescale

    kinds: dict[str, type[EmbeddedDatabase | Timescale]] = {"embedded": EmbeddedDatabase, "timescale": Timescale}
    return kinds[_choice("CANH_TEST_DATABASE", list(kinds))](temporary_home())


def temporary_home() -> Path:
    """Make an empty directory that PostgreSQL's own account may pass, as HOME is in production."""
    home = Path(tempfile.mkdtemp(prefix="canh-test-"))
    home.chmod(0o711)
    return home


def cache_dir() -> Path:
    """Where servers too large for the repository are kept between runs."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    directory = base / "canh-tests"
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def staged(target: Path) -> Path:
    """Give a place to fill, which takes the target's name when it is whole; removes what interrupted fetches left."""
    mounted = [Path(part.mountpoint) for part in psutil.disk_partitions(all=True)]
    for left in target.parent.glob(f"{target.name}.*"):
        pid = int(left.suffix[1:])
        at_work = pid != os.getpid() and alive(pid)
        # debootstrap, killed, leaves /proc mounted inside: nothing is deleted through a mount
        if not at_work and not any(each.is_relative_to(left) for each in mounted):
            shutil.rmtree(left)
    return target.with_name(f"{target.name}.{os.getpid()}")


def _choice(variable: str, kinds: list[str]) -> str:
    wanted = os.environ.get(variable) or kinds[0]
    if wanted not in kinds:
        raise ValueError(f"{variable}={wanted!r}: choose one of {', '.join(kinds)}")
    return wanted
