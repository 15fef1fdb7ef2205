"""What the hops know of the registered world: sources, devices, zones, units; reloaded when it changes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from geo.zones import ZoneIndex
from schemas.errors import BackpressureError
from schemas.events import Agency, Device, Source, Unit, Zone
from schemas.store.abstract import RegistryStore
from streams.metrics import REGISTRY
from streams.places import PlaceTable
from streams.sources.edge import Edge

logger = logging.getLogger(__name__)

Made = TypeVar("Made")

#: Where the day changes with which zones begin and end.
HERE = ZoneInfo("Asia/Ho_Chi_Minh")


@dataclass(frozen=True, slots=True)
class World:
    """One consistent view; replaced as a whole, never changed.

    But for what edge and places remember of what they were asked: use those in `Atlas.beside` only.
    """

    version: int
    sources: Mapping[str, Source]
    devices: Mapping[str, Device]
    zones: ZoneIndex
    places: PlaceTable
    agencies: tuple[Agency, ...]
    units: Mapping[str, Unit]
    edge: Edge


class Atlas:
    """Holds the current world and looks every few seconds whether there is a newer one."""

    def __init__(
        self,
        store: RegistryStore,
        clock: Callable[[], datetime],
        *,
        lateness_s: float = 3600.0,
        future_s: float = 300.0,
        every_s: float = 1.0,
    ) -> None:
        self._store = store
        self._clock = clock
        self._lateness_s = lateness_s
        self._future_s = future_s
        self._every_s = every_s
        self._world: World | None = None
        self._indexed: tuple[date, Sequence[Zone]] = (date.min, ())
        self._thread = ThreadPoolExecutor(1, "beside")
        self._made: Future[Any] | None = None  # what the thread was given last

    @property
    def world(self) -> World:
        """Give the current view; `load` must have run."""
        if self._world is None:
            raise RuntimeError("Atlas.load was not called")
        return self._world

    async def beside(self, make: Callable[[World], Made], *, short: bool = False) -> Made:
        """Let a thread make something of the current view; one at a time, in order.

        The event loop goes on meanwhile, or the database would wait for its next rows while a run is normalised. What
        is `short` is made at once when the thread has nothing to do: to go there and back would take as long.
        """
        if short and (self._made is None or self._made.done()):
            return make(self.world)
        self._made = made = self._thread.submit(make, self.world)
        return await asyncio.wrap_future(made)

    async def load(self) -> None:
        """Read everything now."""
        version = await self._store.registry_version()
        sources = {source.id: source for source in await self._store.sources()}
        devices = {device.id: device for device in await self._store.devices()}
        zones = await self._store.zones()
        agencies = tuple(await self._store.agencies())
        units = {unit.id: unit for unit in await self._store.units()}
        places = await self._places(zones)
        edge = Edge(devices, lateness_s=self._lateness_s, future_s=self._future_s)
        self._world = World(version, sources, devices, places.zones, places, agencies, units, edge)
        REGISTRY.set(version)
        logger.info("world.loaded: version %d, %d sources, %d zones", version, len(sources), len(places.zones))

    async def _places(self, zones: Sequence[Zone]) -> PlaceTable:
        """Index the zones of today; most changes of the registry are devices, which leave them as they are."""
        today = self._today()
        if self._world is None or self._indexed != (today, zones):
            index = await asyncio.to_thread(ZoneIndex.build, zones, today)
            self._indexed = today, zones
            return PlaceTable(index)
        return self._world.places

    def _today(self) -> date:
        return self._clock().astimezone(HERE).date()

    async def follow(self) -> None:
        """Reload whenever the registry changed or a new day begins, for ever; a store that is away is asked again."""
        while True:
            await asyncio.sleep(self._every_s)
            try:
                changed = await self._store.registry_version() != self.world.version
                if changed or self._today() != self._indexed[0]:
                    await self.load()
            except BackpressureError as error:
                logger.warning("world.waits: %s", error)
