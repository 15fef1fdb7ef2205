from __future__ import annotations

import asyncio

import pytest

from deploy import patience
from schemas.errors import BackpressureError


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "AGAIN_S", 0.01)


class Server:
    """Away for some tries."""

    def __init__(self, away: int) -> None:
        self.away = away

    async def open(self) -> None:
        if self.away:
            self.away -= 1
            raise BackpressureError("not there yet")


async def test_a_server_that_is_away_is_asked_again() -> None:
    """Each failure is told, and it ends with the first success."""
    told: list[str] = []
    await patience.patiently(Server(away=2).open, lambda error: told.append(str(error)))
    assert told == ["not there yet", "not there yet"]


async def test_stopping_ends_the_wait() -> None:
    """Nobody waits for a server once the process is to end."""
    server, stopping = Server(away=1000), asyncio.Event()
    await patience.patiently(server.open, lambda _: stopping.set(), stopping)
    assert server.away == 999


async def test_another_error_is_not_waited_for() -> None:
    """A mistake that waiting cannot mend is raised at once."""

    async def broken() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await patience.patiently(broken, lambda _: None)
