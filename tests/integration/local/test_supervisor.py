from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.local.home import Home
from deploy.local.plan import Phase
from deploy.local.process import Command, alive
from deploy.local.service import Service
from deploy.local.supervisor import Change, Supervisor
from schemas.errors import UsageError
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


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
async def test_signals_stop_everything(home: Home, how: signal.Signals) -> None:
    """Ctrl-C and SIGTERM end the run cleanly."""
    supervisor = Supervisor([service(home, "broker"), service(home, "worker", "broker")], home)
    await asyncio.wait_for(supervisor.run(on_ready=lambda: os.kill(os.getpid(), how)), LONG_S)
    assert (home.path / "ends").read_text().split() == ["worker", "broker"]
    home.close()
