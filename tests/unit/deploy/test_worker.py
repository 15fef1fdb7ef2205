from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import SecretStr

from deploy import worker
from deploy.settings import Settings
from deploy.worker import Worker


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


async def test_a_worker_that_is_never_let_in_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its supervisor starts another one."""
    monkeypatch.setattr(worker, "START_S", 0.01)
    assert await made(Door(opens=False))._start_lanes() is False
