"""The live feed (G6): no holes, explicit resets, slow clients cut, scope and filter on the server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest

from api.feed.broadcaster import Broadcaster
from api.feed.filter import Filter
from api.feed.frame import Packet
from api.feed.stream import Stream
from schemas.errors import BackpressureError
from schemas.store.abstract import IncidentQuery
from schemas.store.memory import MemoryStore
from tests.unit.api.conftest import (
    FAST,
    change_incident,
    take_changes,
)
from tests.unit.api.feed.hand import taken
from tests.waiting import until

Connect = Callable[..., Any]
Pieces = AsyncGenerator[list[Packet]]


async def test_hello_then_changes_with_rising_ids(world: Any, listen: Connect) -> None:
    """A new client learns the head, then gets each change with the incident as it stands."""
    client = listen(await world.login_headers("viewer"))
    hello = await client.next()
    assert (hello.event, hello.data["feed_id"], hello.data["resumed"]) == ("hello", 2, False)
    assert hello.data["oldest"] == 1
    feed_id = await change_incident(world.store, "i-fire", severity=4)
    change = await client.next()
    assert (change.event, change.id, change.data["feed_id"]) == ("change", feed_id, feed_id)
    assert change.data["incident"]["severity"] == 4
    assert change.data["change"]["change"] == "commented"


async def test_beats_tell_the_age_of_the_feed(world: Any, listen: Connect) -> None:
    """Without changes a client still hears that the feed lives, and how old its last look was."""
    client = listen(await world.login_headers("viewer"))
    await client.next()
    beat = await client.next(beats=True)
    assert beat.event == "beat"
    assert (beat.id, beat.data["feed_id"]) == (2, 2)
    assert 0 <= beat.data["lag_s"] < 30  # not the time of a clock
    assert beat.data["server_time"]


@pytest.mark.parametrize("by", ["header", "parameter"])
async def test_a_client_that_comes_back_gets_exactly_what_it_missed(world: Any, listen: Connect, by: str) -> None:
    """Last-Event-ID and ?since= continue after that id; the header is the newer of the two."""
    ids = [await change_incident(world.store, "i-fire") for _ in range(40)]
    headers = await world.login_headers("viewer")
    if by == "header":
        client = listen(headers | {"Last-Event-ID": str(ids[9])}, "/v1/incidents/stream?since=1")
    else:
        client = listen(headers, f"/v1/incidents/stream?since={ids[9]}")
    assert (await client.next()).data["resumed"]
    assert [message.id for message in await take_changes(client, 30)] == ids[10:]


async def test_a_list_that_is_newer_than_the_reader_is_no_reset(world: Any, listen: Connect) -> None:
    """A client may come with an id that this process has not read yet: it goes on after it, exactly."""
    feed_id = await change_incident(world.store, "i-fire")
    assert world.app.state.context.broadcaster.position < feed_id
    client = listen(await world.login_headers("viewer"), f"/v1/incidents/stream?since={feed_id}")
    assert (await client.next()).data["resumed"]
    newer = await change_incident(world.store, "i-fire")
    assert (await client.next()).id == newer


@pytest.mark.parametrize("since", ["", "?since=1"])
async def test_a_client_cut_before_its_first_beat_misses_nothing(world: Any, listen: Connect, since: str) -> None:
    """A plain EventSource that has seen nothing but hello comes back with hello's id, and goes on from there."""
    headers = await world.login_headers("viewer")
    client = listen(headers, f"/v1/incidents/stream{since}")
    hello = await client.next()
    assert hello.id == (1 if since else 2)
    await client.leave()
    missed = [await change_incident(world.store, "i-fire") for _ in range(3)]
    again = listen(headers | {"Last-Event-ID": str(hello.id)}, f"/v1/incidents/stream{since}")
    assert (await again.next()).data["resumed"]
    wanted = list(range(hello.id + 1, missed[-1] + 1))
    assert [message.id for message in await take_changes(again, len(wanted))] == wanted


async def test_a_client_cut_before_its_reset_is_reset_again(world: Any, listen: Connect) -> None:
    """Hello gives it no id then, so that it comes back with the one that cannot be continued."""
    headers = await world.login_headers("viewer")
    client = listen(headers | {"Last-Event-ID": "99"})
    hello = await client.next()
    assert (hello.event, hello.id) == ("hello", None)
    assert (await client.next()).event == "reset"


@pytest.mark.parametrize(("since", "reason"), [("99", "ahead"), ("x", "unknown_id")])
async def test_a_cursor_that_cannot_be_continued_is_reset(world: Any, listen: Connect, since: str, reason: str) -> None:
    """The client is told to load its list again, and the stream goes on from the head."""
    client = listen(await world.login_headers("viewer"), f"/v1/incidents/stream?since={since}")
    assert (await client.next()).data["resumed"] is False
    reset = await client.next()
    assert (reset.event, reset.data) == ("reset", {"reason": reason, "feed_id": 2})
    feed_id = await change_incident(world.store, "i-fire")
    assert (await client.next()).id == feed_id


async def test_history_that_is_gone_is_a_reset(world: Any, listen: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cursor before the oldest entry is never continued in silence."""
    for _ in range(5):
        await change_incident(world.store, "i-fire")

    async def tail() -> int:
        return 5

    monkeypatch.setattr(world.store, "feed_tail", tail)
    headers = await world.login_headers("viewer")
    gone = listen(headers, "/v1/incidents/stream?since=3")
    await gone.next()
    assert (await gone.next()).data["reason"] == "history_gone"
    whole = listen(headers, "/v1/incidents/stream?since=4")
    assert (await whole.next()).data["resumed"]


async def test_history_that_goes_while_a_client_catches_up_is_a_reset(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Entries deleted between two pages of a catch-up are noticed."""
    for _ in range(50):
        await change_incident(store, "i-fire")
    broadcaster = Broadcaster(store, FAST)
    await broadcaster.start()
    stream = _stream(broadcaster, since="0")
    await stream.open()
    pieces = taken(stream)
    await anext(pieces)
    first = await anext(pieces)
    assert first[0].feed_id == 1
    feed, tail = store.feed, (first[-1].feed_id or 0) + 10

    async def shortened(after: int, limit: int) -> Any:
        return [entry for entry in await feed(after, limit) if entry.feed_id >= tail]

    async def new_tail() -> int:
        return tail

    monkeypatch.setattr(store, "feed", shortened)
    monkeypatch.setattr(store, "feed_tail", new_tail)
    (reset,) = await anext(pieces)
    assert json.loads(reset.data) == {"reason": "history_gone", "feed_id": broadcaster.position}
    await pieces.aclose()
    await broadcaster.stop()


def _stream(broadcaster: Broadcaster, *, since: str | None, query: IncidentQuery | None = None) -> Stream:
    async def always() -> bool:
        return True

    return Stream(
        broadcaster=broadcaster,
        actor="an",
        filter=Filter(query or IncidentQuery(), {}),
        since=since,
        config=replace(FAST, beat_s=60, recheck_s=60, send_timeout_s=60),
        now_text=lambda: "now",
        still_valid=always,
    )


class Traveller:
    """A client that loses its connection at random and comes back with its last id."""

    def __init__(self, broadcaster: Broadcaster, chance: random.Random, last: int) -> None:
        self._broadcaster = broadcaster
        self._chance = chance
        self._last = last
        self.cursor = 2
        self.got: list[int] = []

    async def travel(self) -> list[int]:
        """Read until the last change is there."""
        while self.cursor < self._last:
            stream = _stream(self._broadcaster, since=str(self.cursor))
            await stream.open()
            async with contextlib.aclosing(taken(stream)) as pieces:
                await self._read(pieces, self._chance.randint(1, 12))
        return self.got

    async def _read(self, pieces: AsyncIterator[list[Packet]], count: int) -> None:
        async for piece in pieces:
            for packet in piece:
                assert packet.event != "reset" or json.loads(packet.data)["reason"] == "too_slow"
                if packet.event == "change" and packet.feed_id is not None:
                    self.got.append(packet.feed_id)
                    self.cursor = packet.feed_id
            count -= 1
            if count <= 0 or self.cursor >= self._last:
                return
            await asyncio.sleep(self._chance.choice([0, 0, 0.005]))


@pytest.mark.parametrize("seed", range(8))
async def test_resume_is_exact_under_random_cuts(store: MemoryStore, seed: int) -> None:
    """A writer and three clients that are cut and come back at random: each gets every change once, in order."""
    chance = random.Random(seed)
    broadcaster = Broadcaster(store, replace(FAST, ring=16, page=4))
    await broadcaster.start()
    last = 152

    async def write() -> None:
        for _ in range(last - 2):
            await change_incident(store, chance.choice(["i-fire", "i-police"]))
            if chance.random() < 0.3:
                await asyncio.sleep(chance.random() * 0.01)

    clients = [Traveller(broadcaster, chance, last) for _ in range(3)]
    await asyncio.gather(write(), *(client.travel() for client in clients))
    await broadcaster.stop()
    for client in clients:
        assert client.got == list(range(3, last + 1))


async def test_a_client_that_does_not_read_is_cut_while_others_get_everything(world: Any, listen: Connect) -> None:
    """A stalled client is dropped after its time-out; the other never waits for it."""
    headers = await world.login_headers("viewer")
    slow, quick = listen(headers), listen(headers)
    await slow.next()
    await quick.next()
    slow.stalled.clear()
    ids = [await change_incident(world.store, "i-fire") for _ in range(200)]
    assert [message.id for message in await take_changes(quick, 200)] == ids
    async with asyncio.timeout(30):
        await slow.task
    broadcaster = world.app.state.context.broadcaster
    assert broadcaster.cut == 1
    assert broadcaster.clients == 1


async def test_a_live_client_that_falls_out_of_the_ring_is_reset_and_cut(store: MemoryStore) -> None:
    """It learns why, with the id to go on from after it has loaded its list; then its stream ends."""
    broadcaster = Broadcaster(store, replace(FAST, ring=8, page=4))
    await broadcaster.start()
    stream = _stream(broadcaster, since=None)
    await stream.open()
    pieces = taken(stream)
    await anext(pieces)
    waiting = asyncio.ensure_future(anext(pieces))
    await asyncio.sleep(0.02)
    await change_incident(store, "i-fire")
    await waiting
    assert stream.live
    for _ in range(30):
        await change_incident(store, "i-fire")
    await broadcaster.moved(32, 2)
    await until(lambda: broadcaster.position == 33)
    (reset,) = await anext(pieces)
    assert json.loads(reset.data) == {"reason": "too_slow", "feed_id": 33}
    with pytest.raises(StopAsyncIteration):
        await anext(pieces)
    assert broadcaster.cut == 1
    await broadcaster.stop()


@pytest.fixture
async def pieces(store: MemoryStore) -> AsyncIterator[Pieces]:
    """Give the pieces of a live stream over the store; hello was taken."""
    broadcaster = Broadcaster(store, FAST)
    await broadcaster.start()
    stream = _stream(broadcaster, since=None)
    await stream.open()
    opened = taken(stream)
    await anext(opened)
    yield opened
    await opened.aclose()
    await broadcaster.stop()


async def test_the_feed_survives_a_store_that_goes_away(
    store: MemoryStore, pieces: Pieces, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the store is away nothing is skipped; when it is back, clients get all that was written meanwhile."""
    feed = store.feed

    async def away(after: int, limit: int) -> Any:
        raise BackpressureError("away")

    monkeypatch.setattr(store, "feed", away)
    ids = [await change_incident(store, "i-fire") for _ in range(3)]
    await asyncio.sleep(0.15)
    monkeypatch.setattr(store, "feed", feed)
    got: list[int | None] = []
    while len(got) < 3:
        async with asyncio.timeout(30):
            got += [packet.feed_id for packet in await anext(pieces)]
    assert got == ids


async def test_a_store_with_another_past_resets_everyone(
    store: MemoryStore, pieces: Pieces, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a restore the feed's head is lower: every client is told, none is left waiting for old ids."""
    feed = store.feed

    async def away(after: int, limit: int) -> Any:
        monkeypatch.setattr(store, "feed", feed)
        raise BackpressureError("restarting")

    async def head() -> int:
        return 1

    monkeypatch.setattr(store, "feed_head", head)
    monkeypatch.setattr(store, "feed", away)
    async with asyncio.timeout(30):
        piece = await anext(pieces)
    assert json.loads(piece[0].data)["reason"] == "history_gone"


async def test_shutdown_ends_the_streams(world: Any, listen: Connect) -> None:
    """The server can go down at once: every stream ends by itself."""
    client = listen(await world.login_headers("viewer"))
    await client.next()
    world.app.state.context.broadcaster.close_streams()
    assert await client.next() is None
