"""Keeps sources and zones in memory for a moment, so that a flood of requests is no flood of queries."""

from __future__ import annotations

import asyncio
import time
from datetime import date
from typing import Protocol
from zoneinfo import ZoneInfo

from geo.zones import ZoneIndex
from schemas.events import Source, Zone

#: Zones change with decrees: read at most once a minute.
ZONES_TTL_S = 60.0
#: Zones are valid by the calendar of the country.
HERE = ZoneInfo("Asia/Ho_Chi_Minh")


class RegistryStore(Protocol):
    """The part of the store that knows sources and zones."""

    async def sources(self) -> list[Source]:
        """Give all registered sources."""

    async def zones(self, kind: str | None = None, on: date | None = None) -> list[Zone]:
        """Give zones."""


class Registry:
    """Sources by id, read again when older than `ttl_s` (a disabled source counts that soon), and zones."""

    def __init__(self, store: RegistryStore, ttl_s: float) -> None:
        self._store = store
        self._ttl_s = ttl_s
        self._sources: dict[str, Source] = {}
        self._read_at = float("-inf")
        self._names: dict[str, str] = {}
        self._named_at = float("-inf")
        self._zones = ZoneIndex.build(())
        self._zones_of: date | None = None
        self._zoned_at = float("-inf")

    async def sources(self) -> dict[str, Source]:
        """Give all sources by id; raises BackpressureError when the store is away."""
        if time.monotonic() - self._read_at >= self._ttl_s:
            self._sources = {source.id: source for source in await self._store.sources()}
            self._read_at = time.monotonic()
        return self._sources

    async def zone_names(self) -> dict[str, str]:
        """Give the names of all zones by id."""
        if time.monotonic() - self._named_at >= ZONES_TTL_S:
            self._names = {zone.id: zone.name for zone in await self._store.zones()}
            self._named_at = time.monotonic()
        return self._names

    async def zones(self, day: date) -> ZoneIndex:
        """Give the zones of a day, ready to be asked for places."""
        if self._zones_of != day or time.monotonic() - self._zoned_at >= ZONES_TTL_S:
            found = await self._store.zones(on=day)
            self._zones = await asyncio.to_thread(ZoneIndex.build, found)
            self._zones_of, self._zoned_at = day, time.monotonic()
        return self._zones
