from __future__ import annotations

import asyncio
import threading
from datetime import UTC, date, datetime

import pytest

from schemas.errors import BackpressureError
from schemas.events import Source, Zone
from schemas.store.memory import MemoryStore
from streams.world import Atlas, World
from tests.unit.streams.hands import clock


def test_nothing_is_known_before_the_first_load() -> None:
    """Working with an empty world would refuse every record as of an unknown source."""
    with pytest.raises(RuntimeError):
        _ = Atlas(MemoryStore(), clock).world


async def test_it_follows_the_registry_through_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the store is away the old world stays; then the new one is there, as a whole."""
    store = MemoryStore()
    atlas = Atlas(store, clock, every_s=0.001)
    await atlas.load()
    before = atlas.world
    away = True
    version = store.registry_version

    async def registry_version() -> int:
        if away:
            raise BackpressureError("away")
        return await version()

    monkeypatch.setattr(store, "registry_version", registry_version)
    following = asyncio.create_task(atlas.follow())
    await store.put_sources([Source(id="new", kind="sensor", format="native")])
    await asyncio.sleep(0.02)
    assert atlas.world is before
    away = False
    while "new" not in atlas.world.sources:  # noqa: ASYNC110 -- the atlas tells nobody
        await asyncio.sleep(0.001)
    assert "new" not in before.sources
    following.cancel()


async def test_zones_change_with_the_day_of_the_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """A commune that is merged on 1 July is the new one from midnight in Vietnam on, without a restart."""
    at = datetime(2025, 6, 30, 16, 59, tzinfo=UTC)
    store = MemoryStore()
    await store.put_zones([square("old", date(2020, 1, 1), date(2025, 7, 1)), square("new", date(2025, 7, 1))])
    atlas = Atlas(store, lambda: at, every_s=0.001)
    await atlas.load()
    following = asyncio.create_task(atlas.follow())
    looks = 0

    async def registry_version() -> int:
        nonlocal looks
        looks += 1
        return atlas.world.version

    monkeypatch.setattr(store, "registry_version", registry_version)
    while looks < 3:  # noqa: ASYNC110 -- the atlas tells nobody
        await asyncio.sleep(0.001)
    assert [zone.id for zone in atlas.world.zones.zones] == ["area:old"]
    at = datetime(2025, 6, 30, 17, 0, tzinfo=UTC)
    while [zone.id for zone in atlas.world.zones.zones] != ["area:new"]:  # noqa: ASYNC110 -- as above
        await asyncio.sleep(0.001)
    following.cancel()


def square(code: str, valid_from: date, valid_to: date | None = None) -> Zone:
    """Give a zone that is valid on some days."""
    ring = [[108.0, 12.0], [108.1, 12.0], [108.1, 12.1], [108.0, 12.0]]
    return Zone(
        id=f"area:{code}", kind="area", code=code, name="A", valid_from=valid_from, valid_to=valid_to,
        geometry={"type": "Polygon", "coordinates": [ring]},
    )  # fmt: skip


async def test_zones_are_indexed_anew_only_when_they_change() -> None:
    """A device that is seen for the first time costs no new index; a zone does."""
    store = MemoryStore()
    atlas = Atlas(store, clock)
    await atlas.load()
    before = atlas.world
    await store.put_sources([Source(id="new", kind="sensor", format="native")])
    await atlas.load()
    assert atlas.world.version != before.version
    assert atlas.world.zones is before.zones
    await store.put_zones([square("1", date(2025, 7, 1))])
    await atlas.load()
    assert len(atlas.world.zones) == 1


async def test_the_event_loop_goes_on_while_one_run_after_the_other_is_made_something_of() -> None:
    """What a world remembers is not made for two threads: nothing begins before the piece ahead of it is done."""
    store = MemoryStore()
    atlas = Atlas(store, clock)
    await atlas.load()
    let_go, said = threading.Event(), []

    def first(seen: World) -> World:
        assert let_go.wait(5.0)
        said.append("first")
        return seen

    def second(_seen: World) -> None:
        said.append("second")

    made = [asyncio.create_task(atlas.beside(first)), asyncio.create_task(atlas.beside(second))]
    await asyncio.sleep(0.05)
    assert said == []
    let_go.set()
    assert (await asyncio.gather(*made))[0] is atlas.world
    assert said == ["first", "second"]


async def test_what_is_short_is_made_at_once_but_never_beside_something_else() -> None:
    """An alarm does not go through the thread for a millisecond of work; while that works, it waits for it."""
    store = MemoryStore()
    atlas = Atlas(store, clock)
    await atlas.load()
    here, let_go, began = threading.get_ident(), threading.Event(), threading.Event()
    assert await atlas.beside(lambda _: threading.get_ident(), short=True) == here

    def long(_seen: World) -> None:
        began.set()
        assert let_go.wait(5.0)

    under_way = asyncio.create_task(atlas.beside(long))
    await asyncio.to_thread(began.wait, 5.0)
    under_way.cancel()  # who asked is gone, the thread is not
    short = asyncio.create_task(atlas.beside(lambda _: threading.get_ident(), short=True))
    await asyncio.sleep(0.05)
    assert not short.done()
    let_go.set()
    assert await short != here
    assert await atlas.beside(lambda _: threading.get_ident(), short=True) == here
