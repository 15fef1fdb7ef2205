"""Sources, devices, zones, units and agencies in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec

from schemas.events import Agency, Device, Source, SourceHealth, Unit, Zone
from schemas.store.memory.tables import Rooted
from schemas.store.newest import NO_METRIC, Freshness


class Registry(Rooted):
    """The role `RegistryStore`."""

    async def sources(self) -> list[Source]:
        """Give all registered sources by id."""
        return [source for _, source in sorted(self.tables.source.items())]

    async def put_sources(self, sources: Sequence[Source]) -> None:
        """Register or change sources."""
        changed = {source.id: source for source in sources if self.tables.source.get(source.id) != source}
        self.tables.source.update(changed)
        self._raise(bool(changed))

    async def source_health(self) -> list[SourceHealth]:
        """Give each source's freshness and counts."""
        return [self._health(source) for source in await self.sources()]

    def _health(self, source: Source) -> SourceHealth:
        fresh = self.tables.source_count.get(source.id, Freshness())
        return SourceHealth(
            source=source,
            last_observed_at=fresh.last_observed_at,
            last_received_at=fresh.last_received_at,
            accepted=fresh.accepted,
            refused=fresh.refused,
        )

    async def devices(self, ids: Sequence[str] | None = None) -> list[Device]:
        """Give devices (None: all) with their newest values."""
        wanted = self.tables.device if ids is None else set(ids)
        return [self._with_values(device) for id_, device in sorted(self.tables.device.items()) if id_ in wanted]

    def _with_values(self, device: Device) -> Device:
        seen = {metric: at for (id_, metric), at in sorted(self.tables.device_metric.items()) if id_ == device.id}
        values = {metric: value for metric, (_, value) in seen.items() if value is not None}
        return msgspec.structs.replace(
            device,
            metrics=tuple(sorted({*device.metrics, *seen} - {NO_METRIC})),
            last_observed_at=max((at for at, _ in seen.values()), default=None),
            last_values=values,
        )

    async def put_devices(self, devices: Sequence[Device]) -> None:
        """Register or change devices; newest values come from events alone."""
        changed = False
        for device in devices:
            stands = self.tables.device.get(device.id)
            new = msgspec.structs.replace(device, last_observed_at=None, last_values={})
            if stands is not None:
                new = msgspec.structs.replace(
                    new,
                    lon=stands.lon if new.lon is None else new.lon,
                    lat=stands.lat if new.lat is None else new.lat,
                    commune=stands.commune if new.commune is None else new.commune,
                )
            changed |= stands != new
            self.tables.device[device.id] = new
        self._raise(changed)

    async def zones(self, kind: str | None = None, on: date | None = None) -> list[Zone]:
        """Give zones of a kind that are valid on a day (None: any kind, any day)."""
        return [
            zone
            for _, zone in sorted(self.tables.zone.items())
            if kind in {None, zone.kind}
            and (on is None or zone.valid_from <= on)
            and (on is None or zone.valid_to is None or on < zone.valid_to)
        ]

    async def put_zones(self, zones: Sequence[Zone]) -> None:
        """Register zones; an equal one is left alone, a changed shape gets the next version."""
        changed = False
        for zone in zones:
            stands = self.tables.zone.get((zone.id, zone.valid_from))
            version = zone.version
            if stands is not None:
                version = stands.version + (stands.geometry != zone.geometry)
            new = msgspec.structs.replace(zone, version=version)
            changed |= stands != new
            self.tables.zone[zone.id, zone.valid_from] = new
        self._raise(changed)

    async def registry_version(self) -> int:
        """Give a number that rises when sources, devices' places or zones change."""
        return self.tables.registry_version

    async def agencies(self) -> list[Agency]:
        """Give all agencies."""
        return [agency for _, agency in sorted(self.tables.agency.items())]

    async def put_agencies(self, agencies: Sequence[Agency]) -> None:
        """Register or change agencies."""
        self.tables.agency.update({agency.id: agency for agency in agencies})

    async def units(self) -> list[Unit]:
        """Give all units with their newest position, else where they are stationed."""
        return [self._with_fix(unit) for _, unit in sorted(self.tables.unit.items())]

    def _with_fix(self, unit: Unit) -> Unit:
        fix = self.tables.unit_position.get(unit.id)
        if fix is None:
            return unit
        at, lon, lat = fix
        return msgspec.structs.replace(unit, lon=lon, lat=lat, position_at=at)

    async def put_units(self, units: Sequence[Unit]) -> None:
        """Register or change units; a place given with its time is a fix, without one it is the station."""
        for unit in units:
            station = unit
            if unit.position_at is not None:
                station = msgspec.structs.replace(unit, lon=None, lat=None, position_at=None)
                if unit.lon is not None and unit.lat is not None:
                    self._fix(unit.id, (unit.position_at, unit.lon, unit.lat))
            stands = self.tables.unit.get(unit.id)
            if stands is not None and station.lon is None:
                station = msgspec.structs.replace(station, lon=stands.lon, lat=stands.lat)
            self.tables.unit[unit.id] = station

    def _raise(self, changed: bool) -> None:  # noqa: FBT001 -- the one argument is the question
        self.tables.registry_version += changed
        if changed:
            self._ring()
