"""What `canh up` starts, and where others find it."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from pydantic import SecretStr

from deploy.local.home import Home
from deploy.local.server import free_port
from deploy.local.service import Service
from deploy.ports import choose
from deploy.settings import Settings
from deploy.stack import Stack, api_url, build
from schemas.errors import UsageError


def stack(home: Path, **given: object) -> Stack:
    """Give the stack over servers of one's own."""
    settings = Settings.load(
        home=home, kafka="127.0.0.1:1", database_url=SecretStr("postgresql://127.0.0.1:1/x"), api_port=0, **given
    )
    return build(settings, Home(home))


def worker(made: Stack, lane: str) -> Service:
    return next(service for service in made.services if service.name == f"worker-{lane}")


def told(service: Service, name: str) -> str:
    return dict(service.command().env or {})[name]


def test_each_lane_has_a_process_of_its_own(tmp_path: Path) -> None:
    """A flood of telemetry keeps the processor that it has, never the alarms' own loop."""
    made = stack(tmp_path)
    assert [service.name for service in made.services] == ["worker-priority", "worker-bulk", "api"]
    for lane in ("bulk", "priority"):
        command = worker(made, lane).command()
        assert command.argv[3:6] == ("worker", "--lane", lane)
        assert command.log_path.name == f"worker-{lane}.log"


def test_alarms_go_first(tmp_path: Path) -> None:
    """The bulk lane's process is the one that waits when both want the processor."""
    made = stack(tmp_path)
    assert worker(made, "bulk").command().nice > worker(made, "priority").command().nice == 0


def test_one_worker_does_what_one_is_enough_for(tmp_path: Path) -> None:
    """Only the priority lane's runs the relay and trims; the other is told its hops by name."""
    made = stack(tmp_path)
    assert "--only" not in worker(made, "priority").command().argv
    only = [word for before, word in zip(*[iter(worker(made, "bulk").command().argv[6:])] * 2, strict=True)]
    assert only == ["normalize", "store", "evaluate"]


@pytest.mark.parametrize(("metrics_port", "ports"), [(9100, {"9100", "9101"}), (0, None)])
def test_each_worker_tells_its_health_on_a_port_of_its_own(
    tmp_path: Path, metrics_port: int, ports: set[str] | None
) -> None:
    """They are published under the services' names, for other commands on this machine."""
    made = stack(tmp_path, metrics_port=metrics_port)
    found = {lane: told(worker(made, lane), "CANH_METRICS_PORT") for lane in ("bulk", "priority")}
    assert len(set(found.values())) == 2
    assert ports is None or set(found.values()) == ports
    addresses = made.addresses()
    assert {lane: addresses[f"worker-{lane}"] for lane in found} == {
        lane: f"http://127.0.0.1:{port}" for lane, port in found.items()
    }


def test_a_port_of_a_worker_that_is_taken_is_told_before_anything_starts(tmp_path: Path) -> None:
    """The bulk lane's worker has the port after CANH_METRICS_PORT."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port()))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"Port {port} for the health of the worker-bulk.*CANH_METRICS_PORT"):
            stack(tmp_path, metrics_port=port - 1)


def test_two_servers_never_get_one_port(tmp_path: Path) -> None:
    """Not by what is set, in which case both variables are named, and not by chance."""
    port = free_port()
    with pytest.raises(UsageError, match=r"worker-bulk.*CANH_METRICS_PORT|CANH_METRICS_PORT.*CANH_BROKER_PORT"):
        build(Settings.load(home=tmp_path, broker_port=port, metrics_port=port - 1, api_port=0), Home(tmp_path))
    chosen = choose(Settings.load(api_port=port, broker_port=0, database_port=0, metrics_port=0), ("a", "b"))
    assert chosen["api"] == port
    assert len(set(chosen.values())) == len(chosen) == 5


def test_a_console_on_an_ipv6_address_has_a_url(tmp_path: Path) -> None:
    """The readiness probe asks there too."""
    assert api_url(Settings.load(api_host="::1", api_port=8420)) == "http://[::1]:8420"
    assert api_url(Settings.load(api_host="::", api_port=8420)) == "http://127.0.0.1:8420"
