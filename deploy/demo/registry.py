"""All registered things of the demo in one record: reads the simulator's lists, gives what the store takes."""

from __future__ import annotations

from dataclasses import dataclass

from deploy.demo.agencies import AGENCIES
from deploy.demo.sources import sources
from deploy.demo.zones import unit_area, zones
from schemas.events import Agency, Device, Source, Unit, Zone
from streams.sources.simulator.sites import all_sites, teams


@dataclass(frozen=True, slots=True)
class DemoRegistry:
    """Sources with their devices, agencies with their units, and the zones besides the communes."""

    sources: tuple[Source, ...]
    devices: tuple[Device, ...]
    agencies: tuple[Agency, ...]
    units: tuple[Unit, ...]
    zones: tuple[Zone, ...]


def demo_registry(*, replay: bool = True) -> DemoRegistry:
    """Give the registry of the demo.

    `replay` tells the edge not to mark old events as late, because history is being played; give False for a
    scenario with `late_is_played`. All sources carry the option that marks their events as simulated.
    """
    return DemoRegistry(
        sources=sources(replay=replay), devices=_devices(), agencies=AGENCIES, units=_units(), zones=zones()
    )


def _devices() -> tuple[Device, ...]:
    return tuple(
        Device(
            id=site.id,
            source=site.source,
            kind=site.kind,
            title=site.title,
            lon=site.lon,
            lat=site.lat,
            metrics=site.metrics,
        )
        for site in all_sites()
    )


def _units() -> tuple[Unit, ...]:
    return tuple(
        Unit(
            id=team.id,
            name=team.name,
            kind=team.kind,
            agency=team.agency,
            home_zone=unit_area(team.id),
            lon=team.lon,
            lat=team.lat,
        )
        for team in teams()
    )
