"""What `canh doctor` finds without any server."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy import checkup
from deploy.checkup import Finding
from deploy.commands.doctor import doctor
from deploy.local.server import free_port
from deploy.settings import Settings


def ports(**given: object) -> list[Finding]:
    return list(checkup.check_ports(Settings.load(**{"broker_port": 0, "database_port": 0, "api_port": 0, **given})))


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CANH_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_any_free_port_is_no_port_0() -> None:
    """It says what will happen."""
    assert {(found.what, found.found.partition(" (")[0]) for found in ports()} == {("port", "any free one")}


def test_the_ports_of_the_workers_are_looked_at() -> None:
    """CANH_METRICS_PORT is the priority lane's, the next one the bulk lane's."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port()))
        taken.listen()
        port = taken.getsockname()[1]
        found = {each.what: each for each in ports(metrics_port=port - 1)}
        assert "taken" in found[f"port {port}"].found
        assert "CANH_METRICS_PORT" in found[f"port {port}"].fix
        assert found[f"port {port - 1}"].fix == ""


def test_a_port_that_canh_up_would_not_take_is_not_asked_about() -> None:
    """Servers of one's own have their ports themselves."""
    there = {each.found for each in ports(kafka="127.0.0.1:1", database_url="postgresql://127.0.0.1/x")}
    assert [found for found in there if "embedded" in found] == []


def test_one_port_for_two_servers_is_a_finding() -> None:
    """Both are free, but not both at once."""
    port = free_port()
    assert [each.what for each in ports(api_port=port, broker_port=port) if each.fix] == ["ports"]


def test_a_misspelt_variable_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no effect, which nobody notices otherwise."""
    monkeypatch.setenv("CANH_KAFAK", "127.0.0.1:9092")
    assert [(each.what, each.fix) for each in checkup.check_variables(Settings.load())] == [
        ("variable CANH_KAFAK", "Did you mean CANH_KAFKA?")
    ]


@pytest.mark.parametrize("break_it", [Path.touch, lambda home: (home.mkdir(), (home / "lock").mkdir())])
def test_a_home_that_cannot_be_read_is_a_finding(
    home: Path, capsys: pytest.CaptureFixture[str], break_it: Callable[[Path], object]
) -> None:
    """The checkup goes on and tells all the rest as well."""
    break_it(home)
    assert doctor(json=True) == 1
    found = {entry["what"]: entry["fix"] for entry in json.loads(capsys.readouterr().out)}
    assert "CANH_HOME" in found["home"]
    assert {"Python", "disk"} <= found.keys()
