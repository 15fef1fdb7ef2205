from __future__ import annotations

import pytest
from shapely.geometry import Point, shape

from deploy.demo import demo_registry
from schemas.events import Lane
from schemas.metrics import METRICS
from streams.sources.simulator.kinds import AIR, CROWD, FIRE, FLOOD_RIVER, FLOOD_URBAN, SENSOR_SILENT, UNIT_OUTSIDE

REGISTRY = demo_registry()


def test_everything_has_one_id() -> None:
    """Ids are unique within their list."""
    for records in (REGISTRY.sources, REGISTRY.devices, REGISTRY.agencies, REGISTRY.units, REGISTRY.zones):
        ids = [record.id for record in records]
        assert len(ids) == len(set(ids)) > 0


def test_what_is_named_exists() -> None:
    """Devices name their source, sources and units their agency, units their home zone, devices known metrics."""
    sources = {source.id for source in REGISTRY.sources}
    agencies = {agency.id for agency in REGISTRY.agencies}
    zones = {zone.id for zone in REGISTRY.zones}
    assert {device.source for device in REGISTRY.devices} <= sources
    assert {source.agency for source in REGISTRY.sources} | {unit.agency for unit in REGISTRY.units} <= agencies
    assert {unit.home_zone for unit in REGISTRY.units} <= zones
    assert {metric for device in REGISTRY.devices for metric in device.metrics} <= METRICS.keys()


@pytest.mark.parametrize("replay", [True, False])
def test_all_sources_are_simulated_and_say_so(*, replay: bool) -> None:
    """Every source carries the option and a title that says it; lateness is forgiven only in a replay."""
    for source in demo_registry(replay=replay).sources:
        assert source.options.get("simulated") == "true"
        assert "mô phỏng" in source.title
        assert ("replay" in source.options) == replay


def test_every_kind_of_incident_has_an_agency() -> None:
    """What the first rules can find is in somebody's competence, for the whole province or for both cities."""
    for kind in (AIR, CROWD, FIRE, FLOOD_RIVER, FLOOD_URBAN, SENSOR_SILENT, UNIT_OUTSIDE):
        assert any(kind in agency.competence and not agency.communes for agency in REGISTRY.agencies), kind


def test_zones_are_valid_rings_around_their_things() -> None:
    """Each is a valid approximate polygon; a unit's area holds its usual place; the squares hold their cameras."""
    areas = {zone.id: shape(zone.geometry) for zone in REGISTRY.zones}
    assert all(zone.approximate and areas[zone.id].is_valid for zone in REGISTRY.zones)
    assert all(areas[unit.home_zone or ""].contains(Point(unit.lon, unit.lat)) for unit in REGISTRY.units)
    cameras = [Point(device.lon, device.lat) for device in REGISTRY.devices if device.kind == "camera"]
    assert [sum(area.contains(camera) for camera in cameras) for name, area in areas.items() if "square" in name] == [
        1,
        1,
    ]


def test_alarms_do_not_wait_behind_telemetry() -> None:
    """Cameras, units and reports are in the priority lane, sensors in the bulk lane."""
    lanes = {source.kind: source.lane for source in REGISTRY.sources}
    assert lanes == {
        "sensor": Lane.BULK,
        "camera": Lane.PRIORITY,
        "position": Lane.PRIORITY,
        "report": Lane.PRIORITY,
    }
