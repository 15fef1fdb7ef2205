from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress

from schemas.errors import BackpressureError
from schemas.events import Change, Device, FeedEntry
from schemas.store.abstract import Commit, Store
from tests.contract.store.samples import changed, opened, signal

WRITERS = 50
ORDERS = 6


async def test_an_empty_feed(store: Store) -> None:
    """Nothing yet: head 0, tail 1, no lines."""
    assert (await store.feed_head(), await store.feed_tail(), await store.feed(0, 10)) == (0, 1, [])


async def test_the_feed_goes_on_after_an_id(store: Store) -> None:
    """Lines come in order, after the id and not more than asked."""
    await store.commit(Commit(incidents=[opened(), changed(2), changed(3)]))
    assert [entry.feed_id for entry in await store.feed(1, 10)] == [2, 3]
    assert [entry.feed_id for entry in await store.feed(0, 2)] == [1, 2]
    assert (await store.feed_head(), await store.feed_tail()) == (3, 1)


async def test_a_tailing_reader_misses_nothing_of_fifty_writers(store: Store) -> None:
    """Ids rise in commit order without holes, so a reader that always asks for "after my last" sees every line (G6)."""
    total = WRITERS * ORDERS
    seen: list[FeedEntry] = []

    async def tail() -> None:
        while len(seen) < total:
            seen.extend(await store.feed(seen[-1].feed_id if seen else 0, 1000))
            await asyncio.sleep(0.001)

    async def insist(commit: Commit) -> None:
        while True:  # as a hop does: the pool may be busy
            with suppress(BackpressureError):
                await store.commit(commit)
                return

    async def write(writer: int) -> None:
        name = f"incident-{writer}"
        await insist(Commit(incidents=[opened(id=name)]))
        for version in range(2, ORDERS, 2):
            two = [changed(version, id=name), changed(version + 1, Change.SIGNAL, id=name)]
            await insist(Commit(incidents=two, signals=[signal(id=f"{name}-{version}")]))
        await insist(Commit(incidents=[changed(ORDERS, id=name)]))

    async with asyncio.timeout(60):
        await asyncio.gather(tail(), *(write(writer) for writer in range(WRITERS)))
    assert [entry.feed_id for entry in seen] == list(range(1, total + 1))
    assert seen == await store.feed(0, total + 1)
    assert [entry.recorded_at for entry in seen] == sorted(entry.recorded_at for entry in seen)
    for writer in range(WRITERS):
        versions = [entry.incident.version for entry in seen if entry.incident.id == f"incident-{writer}"]
        assert versions == sorted(versions)


async def test_readers_are_woken(store: Store) -> None:
    """The head comes at once, and again soon after a commit moved it."""
    async with asyncio.timeout(30), aclosing(store.feed_changes()) as heads:  # type: ignore[type-var]
        assert await anext(heads) == 0
        waiting = asyncio.ensure_future(anext(heads))
        await asyncio.sleep(0.05)
        await store.commit(Commit(incidents=[opened(), changed(2)]))
        assert await waiting == 2


async def test_the_relay_and_the_hops_are_woken(store: Store) -> None:
    """New records for the bus and a changed registry are told at once, long before the look each second or minute."""
    async with asyncio.timeout(30), store.outbox_turn() as turn:
        for number in range(3):
            waiting = asyncio.ensure_future(turn.more(60))
            await asyncio.sleep(0.05)
            assert not waiting.done()
            await store.commit(Commit(signals=[signal(id=f"signal-{number}")]))
            await waiting
            (item,) = await turn.waiting(10)
            await turn.done([item.id])
        await store.commit(Commit(signals=[signal(id="meanwhile")]))
        await turn.more(60)
        assert len(await turn.waiting(10)) == 1
    async with asyncio.timeout(30), aclosing(store.registry_changes()) as versions:  # type: ignore[type-var]
        before = await anext(versions)
        await store.put_devices([Device(id="camera-1", source="cameras", lon=108.0, lat=12.0)])
        assert await anext(versions) > before


async def test_incidents_are_found_by_their_ids(store: Store) -> None:
    """As they stand now, each once; what does not exist is left out."""
    await store.commit(Commit(incidents=[opened(), opened(id="b", agency="rescue"), opened(id="c")]))
    await store.commit(Commit(incidents=[changed(2, agency="police")]))
    found = await store.incidents_by_id(["b", "incident-1", "b", "x\x00"])
    assert [(incident.id, incident.agency, incident.version) for incident in found] == [
        ("b", "rescue", 1),
        ("incident-1", "police", 2),
    ]
    assert await store.incidents_by_id([]) == []
