"""Writes what a commit shows of devices, units and sources: newest values, newest fixes, freshness and counts."""

from __future__ import annotations

from schemas.store.newest import LATEST, Newest, Seen
from schemas.store.timescale.arrays import column_literal
from schemas.store.timescale.statements import Connection, run


class DeviceCache:
    """Which devices the table has, and which of them have a place: those need no look. It forgets nothing."""

    def __init__(self) -> None:
        self._known: set[str] = set()
        self.placed: set[str] = set()

    def unknown(self, seen: list[Seen]) -> list[Seen]:
        """Give the devices that may change the table, in order of their ids."""
        news = (s for s in seen if s.id not in self.placed and (s.lon is not None or s.id not in self._known))
        return sorted(news, key=lambda device: device.id)

    def learn(self, seen: list[Seen]) -> None:
        """Remember devices; only after the commit that wrote them."""
        self._known.update(device.id for device in seen)
        self.placed.update(device.id for device in seen if device.lon is not None)


async def write_newest(
    connection: Connection, newest: Newest, writer: str, devices: DeviceCache, *, values: bool = True
) -> None:
    """Write all that is newer than what is there (without `values` those wait); repeating it changes nothing."""
    if values:
        await _values(connection, newest)
    await _fixes(connection, newest)
    await _sources(connection, newest, writer)
    if await _devices(connection, devices.unknown(list(newest.devices.values()))):
        await run(connection, "raise_registry")


async def _devices(connection: Connection, seen: list[Seen]) -> bool:
    """Add devices; tell whether one was new or got its place."""
    if not seen:
        return False
    parameters = {name: [getattr(device, name) for device in seen] for name in Seen.__slots__}
    return bool(await run(connection, "see_devices", parameters))


async def _values(connection: Connection, newest: Newest) -> None:
    latest = newest.latest()
    if latest.height:
        await run(connection, "see_values", {name: column_literal(latest.get_column(name)) for name in LATEST})


async def _fixes(connection: Connection, newest: Newest) -> None:
    if not newest.fixes:
        return
    units = sorted(newest.fixes)
    at, lon, lat = zip(*(newest.fixes[unit] for unit in units), strict=True)
    parameters = {"unit": units, "observed_at": list(at), "lon": list(lon), "lat": list(lat)}
    await run(connection, "see_fixes", parameters)


async def _sources(connection: Connection, newest: Newest, writer: str) -> None:
    if not newest.sources:
        return
    names = sorted(newest.sources)
    fresh = [newest.sources[name] for name in names]
    parameters = {
        "writer": writer,
        "source": names,
        "accepted": [entry.accepted for entry in fresh],
        "refused": [entry.refused for entry in fresh],
        "last_observed_at": [entry.last_observed_at for entry in fresh],
        "last_received_at": [entry.last_received_at for entry in fresh],
    }
    await run(connection, "count_sources", parameters)
