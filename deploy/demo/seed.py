"""Puts the demo's world into a store: communes, zones, agencies, units, sources, devices, and people."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from api.config import ApiConfig
from api.security.passwords import hash_password
from deploy.communes.approximate import approximate_communes
from deploy.demo.registry import demo_registry
from deploy.noted import noted
from deploy.passwords import new_password
from schemas.events import Zone
from schemas.store.abstract import Store
from schemas.store.security import Account
from streams.sources.simulator.abstract import Scenario

#: Name, role and display name of the demo's people.
PEOPLE: tuple[tuple[str, str, str], ...] = (
    ("admin", "admin", "Quản trị hệ thống"),
    ("truongca", "supervisor", "Trưởng ca trực"),
    ("trucban", "operator", "Cán bộ trực ban"),
    ("kysu", "engineer", "Kỹ sư dữ liệu"),
    ("lanhdao", "viewer", "Lãnh đạo tỉnh"),
)


async def seed_demo(store: Store, scenario: Scenario) -> dict[str, str]:
    """Register what is missing; give the passwords of the people that were made now (empty on a second start).

    What stands there already stays as it is, official communes above all. Sources are registered anew each time: their
    options follow from the scenario.
    """
    world = demo_registry(replay=not scenario.late_is_played)
    await _seed_zones(store, [*approximate_communes(), *world.zones])
    agencies, units = ({thing.id for thing in known} for known in (await store.agencies(), await store.units()))
    await store.put_agencies([agency for agency in world.agencies if agency.id not in agencies])
    await store.put_units([unit for unit in world.units if unit.id not in units])
    await store.put_sources(world.sources)
    await store.put_devices(world.devices)
    return await _seed_people(store)


async def _seed_zones(store: Store, zones: Sequence[Zone]) -> None:
    there = {zone.id for zone in await store.zones()}
    await store.put_zones([zone for zone in zones if zone.id not in there])


async def _seed_people(store: Store) -> dict[str, str]:
    there = {account.name for account in await store.accounts()}
    fresh = {name: new_password() for name, _, _ in PEOPLE if name not in there}
    for name, role, display in PEOPLE:
        if name in fresh:
            digest = await asyncio.to_thread(hash_password, fresh[name], ApiConfig().password_cost)
            await store.put_account(Account(name, role, digest, display), [noted("account.add", name, role=role)])
    return fresh
