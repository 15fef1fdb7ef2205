from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from typing import Any

import pytest
from pydantic import SecretStr

from deploy import worker
from deploy.bootstrap import make_lanes
from deploy.settings import Settings
from deploy.worker import EXIT_HANG, Worker
from schemas.store.keep import Keep
from streams.metrics import READY


class Door:
    """A lane whose groups let it in, or never do."""

    def __init__(self, *, opens: bool) -> None:
        self.opens = opens

    async def start(self) -> None:
        if not self.opens:
            await asyncio.Event().wait()


def made(*lanes: Any) -> Worker:
    settings = Settings.load(kafka="127.0.0.1:1", database_url=SecretStr("postgresql://127.0.0.1:1/none"))
    made = Worker(settings)
    made._lanes = list(lanes)
    return made


async def test_a_worker_starts_when_all_lanes_are_in() -> None:
    """Nothing is waited for then."""
    assert await made(Door(opens=True), Door(opens=True))._start_lanes()


async def test_a_worker_that_is_not_let_in_ends_when_told_to() -> None:
    """A supervisor need not kill it."""
    waiting = made(Door(opens=True), Door(opens=False))
    starting = asyncio.create_task(waiting._start_lanes())
    await asyncio.sleep(0)
    waiting.stop()
    assert await asyncio.wait_for(starting, 30) is False


def test_each_lane_tells_of_its_own_hops() -> None:
    """Both run in one process: a store hop that works must not hide the other one, which waits."""
    one = made()
    bulk, priority = make_lanes(one._settings, one._store, one._publisher, one._atlas)
    bulk._note("store", "away")
    priority._note("store", "")
    samples = [sample for metric in READY.collect() for sample in metric.samples if sample.labels["hop"] == "store"]
    assert {sample.labels["lane"]: sample.value for sample in samples} == {"bulk": 0, "priority": 1}


async def test_a_worker_that_is_never_let_in_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its supervisor starts another one."""
    monkeypatch.setattr(worker, "START_S", 0.01)
    assert await made(Door(opens=False))._start_lanes() is False


async def test_retention_keeps_what_the_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each kind has its setting, and every one reaches the store."""
    settings = Settings.load(
        kafka="127.0.0.1:1", database_url=SecretStr("postgresql://127.0.0.1:1/none"), retention_days=1,
        retention_events_days=2, retention_resolved_days=3, retention_refusals_days=4, retention_rollups_days=5,
    )  # fmt: skip
    told: list[Keep] = []

    async def retain(keep: Keep) -> int:
        told.append(keep)
        return 0

    made = Worker(settings)
    monkeypatch.setattr(made._store, "retain", retain)
    await made._forget_old()
    assert told == [Keep(observations=1, events=2, resolved_letters=3, open_letters=4, rollups=5)]


async def test_a_port_of_another_program_is_no_exit_code_of_its_own() -> None:
    """Uvicorn would end the process with 3, which says that too much was refused."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = Settings.load(kafka="127.0.0.1:1", database_url=SecretStr("postgresql://127.0.0.1:1/none"))
        with pytest.raises(OSError, match=f"on port {port}"):
            await Worker(settings.model_copy(update={"metrics_port": port}))._serve()


@pytest.mark.parametrize(
    "left",
    [
        "threading.Thread(target=time.sleep, args=(60,)).start()",
        "left.append(asyncio.create_task(stubborn()))",
    ],
    ids=["thread", "task"],
)
def test_what_a_crash_leaves_behind_does_not_keep_the_process(left: str) -> None:
    """The bulk lane once stood still for good: its process had crashed and did not end, so none was started anew."""
    program = f"""
import asyncio, threading, time, uvloop
from deploy.worker import end_soon

left = []

async def stubborn():
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass

async def go():
    {left}
    await asyncio.sleep(0)
    end_soon(0.2)

uvloop.run(go())
"""
    done = subprocess.run([sys.executable, "-c", program], timeout=30, check=False, capture_output=True, text=True)
    assert done.returncode == EXIT_HANG
    assert "does_not_end" in done.stderr
