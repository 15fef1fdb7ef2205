"""The pump serves whoever is live, and nobody twice or too late."""

from __future__ import annotations

import asyncio

from api.feed.pump import TURN, Pump


class Client:
    """Counts what it is given; may take itself or another out of the round."""

    def __init__(self, pump: Pump, removes: Client | None = None) -> None:
        self.pushed = 0
        self.ended = False
        self._pump = pump
        self._removes = removes

    def push(self, now_s: float) -> None:
        """Take it."""
        assert now_s > 0
        self.pushed += 1
        if self._removes is not None:
            self._pump.discard(self._removes)

    def end(self) -> None:
        """Go."""
        self.ended = True
        self._pump.discard(self)


async def rounds(pump: Pump, count: int) -> None:
    """Let the pump go so many rounds."""
    left = count

    async def news(timeout_s: float) -> bool:
        nonlocal left
        assert 0 < timeout_s <= 0.25
        left -= 1
        return left >= 0

    await pump.run(news)


async def test_every_live_client_is_served_once_a_round() -> None:
    """Those that left before their turn are not, and there is no end to how many there may be."""
    pump = Pump(beat_s=5)
    gone = Client(pump)
    clients = [Client(pump, removes=gone), *(Client(pump) for _ in range(3 * TURN))]
    for client in [*clients, gone]:
        pump.add(client)
    await rounds(pump, 2)
    assert {client.pushed for client in clients} == {2}
    assert gone.pushed == 0


async def test_others_get_a_turn_during_a_round() -> None:
    """A round over many clients does not hold up the event loop until its end."""
    pump = Pump(beat_s=5)
    clients = [Client(pump) for _ in range(3 * TURN)]
    for client in clients:
        pump.add(client)
    running = asyncio.create_task(rounds(pump, 1))
    await asyncio.sleep(0)
    assert 0 < sum(client.pushed for client in clients) < len(clients)
    await running


async def test_all_are_let_go_at_the_end() -> None:
    """Also while they leave the list by that."""
    pump = Pump(beat_s=5)
    clients = [Client(pump) for _ in range(3)]
    for client in clients:
        pump.add(client)
    pump.end_all()
    assert all(client.ended for client in clients)
