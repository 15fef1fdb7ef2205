"""The store in memory: product code for dry runs and tests, with the behaviour of the database's store."""

from __future__ import annotations

from schemas.store.abstract import Health
from schemas.store.memory.read import Read
from schemas.store.memory.registry import Registry
from schemas.store.memory.retention import Retention
from schemas.store.memory.stream import Stream

__all__ = ["MemoryStore"]


class MemoryStore(Stream, Registry, Read, Retention):
    """All roles over tables of its own; gone with the process."""

    async def open(self) -> None:
        """Nothing to connect to."""

    async def close(self) -> None:
        """Nothing to give back; the content stays."""

    async def health(self) -> Health:
        """Say what it is."""
        return Health(ready=True, edition="memory", version="", migrations=0, time_zone="UTC")

    async def migrate(self) -> list[str]:
        """Nothing to apply."""
        return []

    async def checksum(self) -> dict[str, str]:
        """Give an order-free digest of every table's content."""
        return self.tables.digests()
