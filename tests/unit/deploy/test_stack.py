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


#: One process for the priority lane, two for bulk.
NAMES = ("priority", "bulk", "bulk-2")


def worker(made: Stack, name: str) -> Service:
    return next(service for service in made.services if service.name == f"worker-{name}")


def told(service: Service, name: str) -> str:
    return dict(service.command().env or {})[name]


def test_each_lane_has_a_process_of_its_own(tmp_path: Path) -> None:
    """A flood of telemetry keeps the processor that it has, never the alarms' own loop."""
    made = stack(tmp_path)
    assert [service.name for service in made.services] == [*(f"worker-{name}" for name in NAMES), "api"]
    for name in NAMES:
        command = worker(made, name).command()
        assert command.argv[3:6] == ("worker", "--lane", name.removesuffix("-2"))
        assert command.log_path.name == f"worker-{name}.log"


def test_two_processes_share_the_bulk_lane(tmp_path: Path) -> None:
    """They do the same, so they are one group; the broker tells them apart by the name that each keeps."""
    made = stack(tmp_path, worker_id="here")
    first, second = worker(made, "bulk").command(), worker(made, "bulk-2").command()
    assert first.argv == second.argv
    assert [told(worker(made, name), "CANH_WORKER_ID") for name in NAMES] == ["here", "here", "here-2"]
    assert told(worker(stack(tmp_path), "bulk-2"), "CANH_WORKER_ID") == ""


def test_on_the_embedded_broker_the_second_waits_until_the_first_is_in_the_group(tmp_path: Path) -> None:
    """It at times never answers two that join at once; a real Kafka does."""
    embedded = build(Settings.load(home=tmp_path, api_port=0, broker_port=0, database_port=0), Home(tmp_path))
    assert "worker-bulk" in worker(embedded, "bulk-2").needs
    assert worker(embedded, "bulk").needs == worker(embedded, "priority").needs == ("broker", "postgres")
    assert worker(stack(tmp_path), "bulk-2").needs == ()


def test_alarms_go_first(tmp_path: Path) -> None:
    """The bulk lane's processes wait when all want the processor."""
    made = stack(tmp_path)
    polite, second, first = (worker(made, name).command().nice for name in ("bulk", "bulk-2", "priority"))
    assert polite == second > first == 0


def test_one_worker_does_what_one_is_enough_for(tmp_path: Path) -> None:
    """Only the priority lane's runs the relay and trims; the others are told their hops by name."""
    made = stack(tmp_path)
    assert "--only" not in worker(made, "priority").command().argv
    only = [word for before, word in zip(*[iter(worker(made, "bulk").command().argv[6:])] * 2, strict=True)]
    assert only == ["normalize", "store", "evaluate"]


@pytest.mark.parametrize(("metrics_port", "ports"), [(9100, {"9100", "9101", "9102"}), (0, None)])
def test_each_worker_tells_its_health_on_a_port_of_its_own(
    tmp_path: Path, metrics_port: int, ports: set[str] | None
) -> None:
    """They are published under the services' names, for other commands on this machine."""
    made = stack(tmp_path, metrics_port=metrics_port)
    found = {name: told(worker(made, name), "CANH_METRICS_PORT") for name in NAMES}
    assert len(set(found.values())) == 3
    assert ports is None or set(found.values()) == ports
    addresses = made.addresses()
    assert {name: addresses[f"worker-{name}"] for name in found} == {
        name: f"http://127.0.0.1:{port}" for name, port in found.items()
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
