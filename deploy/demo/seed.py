"""Puts the demo's world into a store: communes, zones, agencies, units, sources, devices, and people."""

from __future__ import annotations

import asyncio

from api.config import ApiConfig
from api.security.passwords import hash_password
from deploy.communes.approximate import approximate_communes
from deploy.demo.registry import demo_registry
from deploy.noted import noted
from deploy.passwords import new_password
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
    """Register what is missing; give the passwords of the people that were made now (empty on a second start)."""
    world = demo_registry(replay=not scenario.late_is_played)
    await store.put_zones([*approximate_communes(), *world.zones])
    await store.put_agencies(world.agencies)
    await store.put_units(world.units)
    await store.put_sources(world.sources)
    await store.put_devices(world.devices)
    return await _seed_people(store)


async def _seed_people(store: Store) -> dict[str, str]:
    there = {account.name for account in await store.accounts()}
    fresh = {name: new_password() for name, _, _ in PEOPLE if name not in there}
    for name, role, display in PEOPLE:
        if name in fresh:
            digest = await asyncio.to_thread(hash_password, fresh[name], ApiConfig().password_cost)
            await store.put_account(Account(name, role, digest, display), [noted("account.add", name, role=role)])
    return fresh
