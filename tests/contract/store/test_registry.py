from __future__ import annotations

from datetime import date

import msgspec

from schemas.events import Agency, Device, Lane, Source, Unit
from schemas.store.abstract import Commit, Store
from tests.contract.store.samples import at, batch, observation, position, zone

SOURCE = Source(
    id="river",
    kind="sensor",
    format="senml",
    lane=Lane.BULK,
    title="Trạm mực nước",
    cadence_s=600.0,
    units={"h": ("water_level", "cm")},
    options={"a": "b"},
)


async def test_sources_are_registered_and_changed(store: Store) -> None:
    """A source comes back as given; a change raises the registry's version, a repetition does not."""
    await store.put_sources([SOURCE, Source(id="cameras", kind="camera", format="frigate", lane=Lane.PRIORITY)])
    assert [source.id for source in await store.sources()] == ["cameras", "river"]
    version = await store.registry_version()
    await store.put_sources([SOURCE])
    assert await store.registry_version() == version
    changed = msgspec.structs.replace(SOURCE, enabled=False)
    await store.put_sources([changed])
    assert (await store.sources())[1] == changed
    assert await store.registry_version() > version


async def test_a_source_without_data_says_so(store: Store) -> None:
    """No event yet: no times, zero counts."""
    await store.put_sources([SOURCE])
    (health,) = await store.source_health()
    assert (health.source, health.last_observed_at, health.last_received_at) == (SOURCE, None, None)
    assert (health.accepted, health.refused) == (0, 0)


async def test_devices_by_hand_and_by_event(store: Store) -> None:
    """Registering adds words to what events gave, and never takes a learned place away."""
    await store.commit(Commit(observations=batch(observation())))
    await store.put_devices([Device(id="gauge-1", source="river", kind="gauge", title="Củng Sơn", metrics=("rain",))])
    (device,) = await store.devices()
    assert (device.kind, device.title, device.lon, device.commune) == ("gauge", "Củng Sơn", 108.9, "22240")
    assert device.metrics == ("rain", "water_level")
    assert device.last_values == {"water_level": 3.5}
    version = await store.registry_version()
    await store.put_devices([Device(id="gauge-1", source="river", kind="gauge", title="Củng Sơn", metrics=("rain",))])
    assert await store.registry_version() == version
    await store.put_devices([Device(id="gauge-1", source="river", lon=109.0, lat=13.0)])
    assert [d.lon for d in await store.devices(["gauge-1", "x"])] == [109.0]
    assert await store.registry_version() > version
    assert await store.devices([]) == []


async def test_odd_words_survive(store: Store) -> None:
    """Quotes, backslashes, braces and commas in lists come back as they were."""
    words = ('a"b', "c\\d", "{e,f}", " ")
    await store.put_devices([Device(id="d", source="s", metrics=words)])
    assert (await store.devices())[0].metrics == tuple(sorted(words))


async def test_zones_are_versioned_by_shape(store: Store) -> None:
    """An equal zone is left alone, a new name keeps the version, a new shape gets the next one."""
    await store.put_zones([zone()])
    version = await store.registry_version()
    await store.put_zones([zone()])
    assert (await store.zones(), await store.registry_version()) == ([zone()], version)
    await store.put_zones([zone(name="Phường Buôn Ma Thuột")])
    assert [z.version for z in await store.zones()] == [1]
    shape = {"type": "Polygon", "coordinates": [[[108, 12], [108.1, 12], [108.1, 12.6], [108, 12]]]}
    await store.put_zones([zone(geometry=shape)])
    (changed,) = await store.zones()
    assert (changed.version, changed.geometry, changed.name) == (2, shape, "Buôn Ma Thuột")
    assert await store.registry_version() > version


async def test_zones_of_a_kind_on_a_day(store: Store) -> None:
    """valid_from belongs to the zone, valid_to does not; kinds are told apart."""
    old = zone(valid_from=date(2020, 1, 1), valid_to=date(2025, 7, 1), name="Tân Lập")
    river = zone(id="river:ba", kind="river", code="ba", name="Sông Ba", approximate=True, parent="x")
    await store.put_zones([zone(), old, river])
    assert await store.zones("commune", date(2025, 6, 30)) == [old]
    assert await store.zones("commune", date(2025, 7, 1)) == [zone()]
    assert await store.zones("river") == [river]
    assert await store.zones() == [old, zone(), river]
    assert await store.zones(on=date(2019, 1, 1)) == []


async def test_agencies_and_units(store: Store) -> None:
    """Both come back as given, ordered by id, and a unit's station gives way to its fix."""
    agency = Agency(id="fire-dept", name="PCCC", kind="fire", communes=("24133",), valid_from=date(2025, 7, 1))
    await store.put_agencies([agency])
    await store.put_agencies([agency])
    assert await store.agencies() == [agency]
    station = Unit(id="unit-1", name="Đội 1", kind="fire", agency="fire-dept", home_zone="z", lon=108.0, lat=12.0)
    seen = Unit(id="unit-2", name="Đội 2", kind="fire", agency="fire-dept", lon=108.5, lat=12.5, position_at=at(5))
    await store.put_units([seen, station])
    assert await store.units() == [station, seen]
    await store.commit(Commit(events=[position(lon=107.0, lat=11.0)]))
    assert [(u.lon, u.lat) for u in await store.units()] == [(107.0, 11.0), (108.5, 12.5)]
