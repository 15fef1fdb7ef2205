from __future__ import annotations

import asyncio
import errno
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.local import supervisor as supervising
from deploy.local.home import Home
from deploy.local.pidfile import PidFile
from deploy.local.plan import Phase
from deploy.local.process import Command, alive
from deploy.local.service import Service
from deploy.local.supervisor import Change, Supervisor
from schemas.errors import UsageError
from streams.poison import TooMuchPoisonError
from tests.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.embedded_only]

#: Far less than the programs and their supervisor would take by themselves.
LONG_S = 60.0
# Says "up" by making a file, then sleeps; on SIGTERM notes its end.
PROGRAM = """
import pathlib, signal, sys, time
me, stubborn = pathlib.Path(sys.argv[1]), "stubborn" in sys.argv
def end(*_):
    if not stubborn:
        with me.with_name("ends").open("a") as ends: ends.write(me.name + " ")
        sys.exit(0)
signal.signal(signal.SIGTERM, end)
me.touch()
time.sleep(600)
"""


def service(
    home: Home, name: str, *needs: str, program: str = PROGRAM, extra: str = "", stop_s: float = 5.0
) -> Service:
    mark = home.path / name
    argv = (sys.executable, "-c", program, str(mark), extra)
    return Service(
        name,
        lambda: Command(argv, home.logs_dir / f"{name}.log"),
        mark.exists,
        needs,
        prepare=lambda: mark.unlink(missing_ok=True),
        stop_timeout_s=stop_s,
    )


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").open()


@pytest.fixture
async def pair(home: Home) -> AsyncIterator[tuple[Supervisor, list[Change]]]:
    changes: list[Change] = []
    services = [service(home, "worker", "broker"), service(home, "broker")]
    supervisor = Supervisor(services, home, on_change=changes.append)
    yield supervisor, changes
    await supervisor.stop()
    home.close()


def phases(changes: list[Change], phase: Phase) -> list[str]:
    return [change.name for change in changes if change.phase is phase]


async def test_starts_in_order_and_stops_in_reverse(pair: tuple[Supervisor, list[Change]], home: Home) -> None:
    """The worker starts after the broker is ready; at the end it goes first, politely."""
    supervisor, changes = pair
    await supervisor.start()
    assert [(c.name, c.phase) for c in changes] == [
        ("broker", Phase.STARTING), ("broker", Phase.READY), ("worker", Phase.STARTING), ("worker", Phase.READY)
    ]  # fmt: skip
    pids = [supervisor.pid("broker"), supervisor.pid("worker")]
    await supervisor.stop()
    assert (home.path / "ends").read_text().split() == ["worker", "broker"]
    assert not any(alive(pid) for pid in pids if pid)
    assert list((home.path / "run").iterdir()) == []


async def test_a_killed_service_comes_back_alone(pair: tuple[Supervisor, list[Change]]) -> None:
    """After kill -9 of the broker a new broker runs, and the worker is the same process as before."""
    supervisor, _ = pair
    await supervisor.start()
    old, worker = supervisor.pid("broker"), supervisor.pid("worker")
    assert old is not None
    watching = asyncio.create_task(supervisor.watch())
    os.kill(old, signal.SIGKILL)
    await until(lambda: not supervisor.all_ready())
    await until(supervisor.all_ready)
    assert supervisor.pid("broker") != old
    assert supervisor.pid("worker") == worker
    supervisor.ask_to_stop()
    await watching


async def test_who_uses_the_services_leaves_before_they_end(pair: tuple[Supervisor, list[Change]]) -> None:
    """What is waited for before the end still has all services; they end after it."""
    supervisor, changes = pair
    seen: list[bool] = []

    async def leave() -> None:
        await asyncio.sleep(0.1)
        seen.append(supervisor.all_ready() and Phase.STOPPED not in {change.phase for change in changes})

    await supervisor.run(on_ready=supervisor.ask_to_stop, before_end=leave)
    assert seen == [True]
    assert set(phases(changes, Phase.STOPPED)) == {"worker", "broker"}


async def test_a_stubborn_service_is_killed(home: Home) -> None:
    """A process that ignores SIGTERM ends after its time all the same."""
    supervisor = Supervisor([service(home, "api", extra="stubborn", stop_s=0.3)], home)
    await supervisor.start()
    pid = supervisor.pid("api")
    begun = time.monotonic()
    await supervisor.stop()
    assert pid is not None
    assert not alive(pid)
    assert 0.3 <= time.monotonic() - begun < LONG_S
    home.close()


async def test_asked_twice_does_not_wait(home: Home) -> None:
    """A second Ctrl-C ends a stubborn process at once."""
    supervisor = Supervisor([service(home, "api", extra="stubborn", stop_s=500.0)], home)
    running = asyncio.create_task(supervisor.run(on_ready=lambda: None))
    await until(supervisor.all_ready)
    supervisor.ask_to_stop()
    await asyncio.sleep(0.2)
    assert not running.done()
    supervisor.ask_to_stop()
    await asyncio.wait_for(running, LONG_S)
    home.close()


async def test_a_service_that_cannot_start_is_told_with_its_log(home: Home) -> None:
    """A program that ends at once thrice gives its last words, and nothing is left running."""
    services = [service(home, "broker"), service(home, "api", "broker", program="raise SystemExit('no such table')")]
    supervisor = Supervisor(services, home)
    with pytest.raises(UsageError, match="api could not be started: no such table"):
        await supervisor.run(on_ready=lambda: None)
    assert supervisor.pid("broker") is None
    home.close()


async def test_a_service_that_ended_for_good_ends_the_run_with_its_last_words(home: Home) -> None:
    """Started again, a worker that stopped because too much was refused would go on draining, a little each time."""
    refusing = PROGRAM.replace("time.sleep(600)", "time.sleep(0.5); print('refused too much'); sys.exit(3)")
    worker = replace(service(home, "worker", "broker", program=refusing), final={3: TooMuchPoisonError})
    changes: list[Change] = []
    supervisor = Supervisor([service(home, "broker"), worker], home, on_change=changes.append)
    with pytest.raises(TooMuchPoisonError, match="worker: refused too much"):
        await asyncio.wait_for(supervisor.run(on_ready=lambda: None), LONG_S)
    assert supervisor.pid("broker") is None
    assert phases(changes, Phase.STARTING).count("worker") == 1
    home.close()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
async def test_signals_stop_everything(home: Home, how: signal.Signals) -> None:
    """Ctrl-C and SIGTERM end the run cleanly."""
    supervisor = Supervisor([service(home, "broker"), service(home, "worker", "broker")], home)
    await asyncio.wait_for(supervisor.run(on_ready=lambda: os.kill(os.getpid(), how)), LONG_S)
    assert (home.path / "ends").read_text().split() == ["worker", "broker"]
    home.close()


async def test_a_service_whose_pid_cannot_be_noted_is_started_again(
    pair: tuple[Supervisor, list[Change]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk: no process is left that nobody knows of, and it goes on when there is space."""
    supervisor, changes = pair
    noted = PidFile.write
    full = [OSError(errno.ENOSPC, "No space left on device")]
    started: list[int] = []

    def write(self: PidFile, pid: int, stop_signal: signal.Signals) -> None:
        started.append(pid)
        if full:
            raise full.pop()
        noted(self, pid, stop_signal)

    monkeypatch.setattr(PidFile, "write", write)
    await supervisor.start()
    assert not alive(started[0])
    assert [change.name for change in changes if "No space left" in change.note] == ["broker"]
    assert supervisor.all_ready()


async def test_a_disk_that_fills_is_told_once_and_that_it_has_space_again(
    pair: tuple[Supervisor, list[Change]], home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not every ten seconds."""
    monkeypatch.setattr(supervising, "LOG_CHECK_S", 0.0)
    supervisor, changes = pair
    said = ["", "50 MB are free", "40 MB are free", ""]
    monkeypatch.setattr(home, "shortage", lambda: said.pop(0) if len(said) > 1 else said[0])
    await supervisor.start()
    watching = asyncio.create_task(supervisor.watch())
    await until(lambda: len([change for change in changes if change.name == "disk"]) == 2)
    assert [change.note for change in changes if change.name == "disk"] == ["50 MB are free", "there is space again"]
    supervisor.ask_to_stop()
    await watching
