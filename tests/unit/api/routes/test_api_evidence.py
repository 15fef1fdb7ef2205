"""What an incident stands on, for the agency that answers for it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from schemas.events import Action, Signal, SignalLink, Text
from schemas.store.abstract import Commit
from tests.doubles import BEGIN, make_incident, opening
from tests.unit.api.conftest import change_incident


@pytest.fixture(autouse=True)
async def flood(world: Any) -> None:
    """Give the police an incident that the fire department's gauge raised."""
    incident = make_incident("flood", agency="police")
    raised = Signal(
        id="s", rule="river", rule_version=1, kind=incident.kind, action=Action.RAISE, key="gauge", episode="e",
        severity=3, started_at=BEGIN, observed_at=BEGIN, title=Text(vi="Lũ", en="Flood"), device="gauge",
    )  # fmt: skip
    link = SignalLink("flood", "s", "e", "river", 1, BEGIN, None, 0.0, "first")
    write = msgspec.structs.replace(opening(incident), links=(link,))
    await world.store.commit(Commit(signals=[raised], incidents=[write]))
    (gauge,) = await world.store.devices(["gauge"])
    await world.store.put_devices([msgspec.structs.replace(gauge, title="Trạm Phú Lâm")])


async def test_the_agency_of_an_incident_sees_the_chart_of_its_evidence(world: Any) -> None:
    """The gauge is another agency's; its chart is open to whom the incident is given, and closed again afterwards."""
    police = await world.person("operator", agency="police")
    assert (await police.get("/v1/devices/gauge/observations")).status_code == 200
    assert [one["id"] for one in (await police.get("/v1/devices")).json()["items"]] == ["cam-1"]
    await change_incident(world.store, "flood", agency="fire")
    assert (await police.get("/v1/devices/gauge/observations")).status_code == 404


async def test_evidence_opens_nothing_to_others(world: Any) -> None:
    """Who does not see the incident learns nothing of its device, not even that there is one."""
    other = await world.person("viewer", agency="ambulance")
    hidden = await other.get("/v1/devices/gauge/observations")
    unknown = await other.get("/v1/devices/no-such/observations")
    assert hidden.status_code == unknown.status_code == 404
    assert hidden.json() == unknown.json()


async def test_evidence_tells_what_its_device_is_called(world: Any) -> None:
    """A person reads a name, not an id."""
    police = await world.person("operator", agency="police")
    (item,) = (await police.get("/v1/incidents/flood")).json()["evidence"]
    assert (item["signal"]["device"], item["device_title"]) == ("gauge", "Trạm Phú Lâm")
