"""What `canh doctor` finds without any server."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from deploy import checkup
from deploy.checkup import Finding, behind, overlaps, refused
from deploy.commands.doctor import doctor
from deploy.local.server import free_port
from deploy.settings import Settings
from schemas.events import DeadLetter
from schemas.store.abstract import Offset
from schemas.topics import OBSERVATIONS
from streams.pipeline import steps
from tests.unit.streams.hands import NOW

STORE = next(step for step in steps() if step.hop == "store" and step.reads == OBSERVATIONS)


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


def at(partition: int, next_offset: int) -> Offset:
    return Offset("store", OBSERVATIONS.name, partition, next_offset)


def test_what_lies_before_a_hop_is_counted() -> None:
    """A partition that it has never stored anything of counts from where its log begins."""
    found = behind(STORE, [at(0, 10), at(1, 7)], {0: (5, 12), 1: (0, 7), 2: (100, 103)})
    assert (found.what, found.found, found.fix) == ("bulk store", "5 records behind", "")


def test_records_that_were_deleted_unread_need_a_person() -> None:
    """Retention was shorter than the outage: this must not look like an empty log."""
    found = behind(STORE, [at(0, 1000), at(1, 7)], {0: (5000, 6000), 1: (0, 7)})
    assert "1000 records behind; 4000 were deleted" in found.found
    assert OBSERVATIONS.name in found.fix


def letters(source: str, count: int, at: datetime, reason: str = "bad_json") -> list[DeadLetter]:
    return [DeadLetter(f"{source}{n}", source, reason, "", "no", "canh.raw.bulk", 0, n, at, b"") for n in range(count)]


def test_a_source_that_sends_rubbish_now_is_named() -> None:
    """Not for a few refusals, not for what was long ago, and not for a camera's heartbeats."""
    found = [*letters("bad", 12, NOW), *letters("few", 3, NOW), *letters("old", 50, NOW - timedelta(hours=2))]
    (finding,) = refused([*found, *letters("camera", 50, NOW, "unsupported")], NOW - timedelta(hours=1))
    assert finding.what == "source bad"
    assert "--source bad" in finding.fix


def test_workers_that_run_the_same_hop_in_different_groups_are_found() -> None:
    """They cannot share its partitions; those of another lane, or with other hops, are none of their business."""
    fine = ["canh-bulk-normalize", "canh-bulk-evaluate-store", "canh-priority-correlate-evaluate-normalize-store"]
    assert list(overlaps(fine)) == []
    (finding,) = overlaps([*fine, "canh-bulk-store"])
    assert "canh-bulk-evaluate-store and canh-bulk-store both run store" in finding.found
