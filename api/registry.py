"""Keeps sources and zone names in memory for a moment, so that a flood of requests is no flood of queries."""

from __future__ import annotations

import time
from datetime import date
from typing import Protocol

from schemas.events import Source, Zone

#: Zones' names are needed for text search on feeds only, and change with decrees: read at most once a minute.
NAMES_TTL_S = 60.0


class RegistryStore(Protocol):
    """The part of the store that knows sources and zones."""

    async def sources(self) -> list[Source]:
        """Give all registered sources."""

    async def zones(self, kind: str | None = None, on: date | None = None) -> list[Zone]:
        """Give zones."""


class Registry:
    """Sources by id, read again when older than `ttl_s` (a disabled source counts that soon), and zones' names."""

    def __init__(self, store: RegistryStore, ttl_s: float) -> None:
        self._store = store
        self._ttl_s = ttl_s
        self._sources: dict[str, Source] = {}
        self._read_at = float("-inf")
        self._names: dict[str, str] = {}
        self._named_at = float("-inf")

    async def sources(self) -> dict[str, Source]:
        """Give all sources by id; raises BackpressureError when the store is away."""
        if time.monotonic() - self._read_at >= self._ttl_s:
            self._sources = {source.id: source for source in await self._store.sources()}
            self._read_at = time.monotonic()
        return self._sources

    async def zone_names(self) -> dict[str, str]:
        """Give the names of all zones by id."""
        if time.monotonic() - self._named_at >= NAMES_TTL_S:
            self._names = {zone.id: zone.name for zone in await self._store.zones()}
            self._named_at = time.monotonic()
        return self._names
