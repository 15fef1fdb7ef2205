"""Session fixtures `broker` and `database`; load them with pytest_plugins = ["tests.servers.fixtures"].

A test that stops or kills one of them calls `restart()` before it ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import pytest

from tests.servers import BrokerServer, DatabaseServer, chosen_broker, chosen_database

ServerT = TypeVar("ServerT", BrokerServer, DatabaseServer)


@pytest.fixture(scope="session")
def broker() -> Iterator[BrokerServer]:
    """Give a running broker: .bootstrap, .pid, .kill9(), .restart()."""
    yield from started(chosen_broker())


@pytest.fixture(scope="session")
def database() -> Iterator[DatabaseServer]:
    """Give a running PostgreSQL: .create_database() -> dsn, .pid, .kill9(), .restart()."""
    yield from started(chosen_database())


def started(server: ServerT) -> Iterator[ServerT]:
    """Run a server as long as a fixture lasts; skips where it cannot run."""
    reason = server.unavailable()
    if reason is not None:
        pytest.skip(reason)
    server.start()
    server.wait_ready(60.0)
    yield server
    server.stop()
    server.discard()
