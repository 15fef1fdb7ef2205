"""What `canh demo` leaves alone: a demo is never the end of what somebody imported or edited."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest

from deploy.communes.approximate import approximate_communes
from deploy.demo import demo_registry
from deploy.demo import seed as seeding
from deploy.demo.seed import seed_demo
from schemas.store.memory import MemoryStore
from streams.sources.simulator.scenarios import SCENARIOS

FLOOD, FAULTS = SCENARIOS["song-ba-flood"], SCENARIOS["sensor-faults"]


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing five passwords at full cost is no part of these tests."""
    monkeypatch.setattr(seeding, "hash_password", lambda password, _cost: f"hash of {password}")


@pytest.mark.parametrize("valid_from", [date(2025, 7, 1), date(2025, 8, 15)])
async def test_official_communes_stay_official(valid_from: date) -> None:
    """Import, then demo: every start of it leaves the imported shapes as they are, whatever day they hold from."""
    store = MemoryStore()
    made_up = approximate_communes()
    official = [msgspec.structs.replace(zone, approximate=False, valid_from=valid_from) for zone in made_up[:3]]
    await store.put_zones(official)
    for _ in range(2):
        await seed_demo(store, FLOOD)
    communes = await store.zones("commune")
    assert [zone for zone in communes if not zone.approximate] == sorted(official, key=lambda zone: zone.id)
    assert len(communes) == len(made_up)


async def test_what_was_edited_stays_edited() -> None:
    """Agencies, units and zones of the demo may be changed: the next start does not undo it."""
    store = MemoryStore()
    await seed_demo(store, FLOOD)
    world = demo_registry()
    agency = msgspec.structs.replace(world.agencies[0], competence=("rescue",))
    unit = msgspec.structs.replace(world.units[0], name="Đội khác")
    square = msgspec.structs.replace(world.zones[0], name="Quảng trường khác")
    await store.put_agencies([agency])
    await store.put_units([unit])
    await store.put_zones([square])
    await seed_demo(store, FLOOD)
    assert agency in await store.agencies()
    assert unit in await store.units()
    assert square in await store.zones("square")


async def test_sources_follow_the_scenario() -> None:
    """A replay forgives lateness, a scenario that plays lateness does not: each start sets it."""
    store = MemoryStore()
    for scenario, replay in ((FLOOD, True), (FAULTS, False), (FLOOD, True)):
        await seed_demo(store, scenario)
        assert {"replay" in source.options for source in await store.sources()} == {replay}
