from __future__ import annotations

import socket
from pathlib import Path

import pytest

from deploy.local import server


def test_a_free_port_is_never_one_that_a_client_could_take() -> None:
    """While a killed server is away, no connection of this machine gets its port by chance."""
    low = Path("/proc/sys/net/ipv4/ip_local_port_range")
    first = int(low.read_text().split()[0]) if low.exists() else 32_768
    assert all(server.free_port() < first for _ in range(20))


def test_a_free_port_is_given_once_and_not_while_somebody_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of three ports, one taken, the two free ones are given, each once."""
    free = [server.free_port(), server.free_port()]
    with socket.socket() as other:
        other.bind((server.LOOPBACK, 0))
        monkeypatch.setattr(server, "PORTS", (other.getsockname()[1], *free))
        monkeypatch.setattr(server, "_given", set())
        assert sorted([server.free_port(), server.free_port()]) == sorted(free)
