"""Says of which communes a unit is: where it is now, and where it belongs (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from geo.cover import COMMUNE
from geo.zones import ZoneIndex
from schemas.events import Unit


def communes_of(units: Sequence[Unit], zones: ZoneIndex) -> Mapping[str, frozenset[str]]:
    """Give the codes of each unit's communes by its id: its position's, and its home zone's; empty when unknown."""
    here = zones.locate([unit.lon for unit in units], [unit.lat for unit in units]).commune
    return {
        unit.id: frozenset(code for code in (now, _home(unit, zones)) if code is not None)
        for unit, now in zip(units, here, strict=True)
    }


def _home(unit: Unit, zones: ZoneIndex) -> str | None:
    """Give the commune that a unit's home zone is, or is registered as a part of."""
    zone = zones.get(unit.home_zone) if unit.home_zone else None
    if zone is not None and zone.kind != COMMUNE:
        zone = zones.get(zone.parent) if zone.parent else None
    return zone.code if zone is not None and zone.kind == COMMUNE else None
