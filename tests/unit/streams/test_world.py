from __future__ import annotations

import asyncio
from datetime import date

import pytest

from schemas.errors import BackpressureError
from schemas.events import Source, Zone
from schemas.store.memory import MemoryStore
from streams.world import Atlas
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
    ring = [[108.0, 12.0], [108.1, 12.0], [108.1, 12.1], [108.0, 12.0]]
    square = Zone(
        id="area:1", kind="area", code="1", name="A", geometry={"type": "Polygon", "coordinates": [ring]},
        valid_from=date(2025, 7, 1),
    )  # fmt: skip
    await store.put_zones([square])
    await atlas.load()
    assert len(atlas.world.zones) == 1
