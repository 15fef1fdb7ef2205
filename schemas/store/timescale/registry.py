"""Sources, devices, zones, units and agencies in the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec

from schemas.codec import encode
from schemas.events import Agency, Device, Source, SourceHealth, Unit, Zone
from schemas.store.timescale.arrays import array
from schemas.store.timescale.pool import Pooled
from schemas.store.timescale.statements import run
from schemas.store.timescale.work import columns, fields, json_text

_source = msgspec.json.Decoder(Source)
_agency = msgspec.json.Decoder(Agency)
_geometry = msgspec.json.Decoder(dict[str, Any])
_DEVICE = ("id", "source", "kind", "title", "lon", "lat", "commune")
_ZONE = ("id", "kind", "code", "name", "valid_from", "valid_to", "parent", "approximate", "version")
_UNIT = ("id", "name", "kind", "agency", "home_zone", "lon", "lat")


class Registry(Pooled):
    """The role `RegistryStore`."""

    async def sources(self) -> list[Source]:
        """Give all registered sources by id."""
        return [_source.decode(body) for (body,) in await self.rows("sources")]

    async def put_sources(self, sources: Sequence[Source]) -> None:
        """Register or change sources."""
        await self._put("put_sources", {source.id: _body(source) for source in sources})

    async def source_health(self) -> list[SourceHealth]:
        """Give each source's freshness and counts."""
        return [
            SourceHealth(
                source=_source.decode(body),
                last_observed_at=observed_at,
                last_received_at=received_at,
                accepted=accepted,
                refused=refused,
            )
            for body, observed_at, received_at, accepted, refused in await self.rows("source_health")
        ]

    async def devices(self, ids: Sequence[str] | None = None) -> list[Device]:
        """Give devices (None: all) with their newest values."""
        rows = await self.rows("devices", {"ids": None if ids is None else list(ids)})
        return [
            Device(
                **dict(zip(_DEVICE, row[:7], strict=True)),
                metrics=tuple(sorted({*row[7], *row[9]})),
                last_observed_at=row[8],
                last_values=dict(zip(row[9], row[10], strict=True)),
            )
            for row in rows
        ]

    async def put_devices(self, devices: Sequence[Device]) -> None:
        """Register or change devices; newest values come from events alone."""
        rows = {d.id: {**fields(d, _DEVICE), "metrics": array(d.metrics)} for d in devices}
        await self._put("put_devices", rows)

    async def zones(self, kind: str | None = None, on: date | None = None) -> list[Zone]:
        """Give zones of a kind that are valid on a day (None: any kind, any day)."""
        rows = await self.rows("zones", {"kind": kind, "on": on})
        return [
            Zone(
                **dict(zip(_ZONE[:4], row[:4], strict=True)),
                geometry=_geometry.decode(row[4]),
                **dict(zip(_ZONE[4:], row[5:], strict=True)),
            )
            for row in rows
        ]

    async def put_zones(self, zones: Sequence[Zone]) -> None:
        """Register zones; an equal one is left alone, a changed shape gets the next version."""
        rows = {(z.id, z.valid_from): {**fields(z, _ZONE), "geometry": json_text(z.geometry)} for z in zones}
        await self._put("put_zones", rows)

    async def registry_version(self) -> int:
        """Give a number that rises when sources, devices' places or zones change."""
        ((version,),) = await self.rows("registry_version")
        return int(version)

    async def agencies(self) -> list[Agency]:
        """Give all agencies."""
        return [_agency.decode(body) for (body,) in await self.rows("agencies")]

    async def put_agencies(self, agencies: Sequence[Agency]) -> None:
        """Register or change agencies."""
        await self._put("put_agencies", {agency.id: _body(agency) for agency in agencies})

    async def units(self) -> list[Unit]:
        """Give all units with their newest position, else where they are stationed."""
        names = (*_UNIT, "position_at")
        return [Unit(**dict(zip(names, row, strict=True))) for row in await self.rows("units")]

    async def put_units(self, units: Sequence[Unit]) -> None:
        """Register or change units; a place given with its time is a fix, without one it is the station."""
        rows = {unit.id: {**fields(unit, _UNIT), **_station(unit)} for unit in units}
        fixes = [unit for unit in units if unit.position_at is not None and unit.lon is not None]
        await self._put("put_units", rows)
        if fixes:
            seen = [fields(u, ("lon", "lat")) | {"unit": u.id, "observed_at": u.position_at} for u in fixes]
            await self.rows("see_fixes", columns(seen, ("unit", "observed_at", "lon", "lat")))

    async def _put(self, name: str, rows: dict[Any, dict[str, Any]]) -> None:
        """Write rows in order of their keys; what gives back changed rows is worth a reload of the hops."""
        if not rows:
            return
        ordered = [rows[key] for key in sorted(rows)]
        async with self.transaction() as connection:
            if await run(connection, name, columns(ordered, tuple(ordered[0]))):
                await run(connection, "raise_registry")


def _body(record: Source | Agency) -> dict[str, Any]:
    return {"id": record.id, "body": encode(record).decode()}


def _station(unit: Unit) -> dict[str, Any]:
    return {"lon": None, "lat": None} if unit.position_at is not None else {}
