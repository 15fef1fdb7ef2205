"""Who may do what: every route, every role, two agencies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute, APIWebSocketRoute, iter_route_contexts

from api.security.guard import Require
from api.security.roles import ROLES, Permission
from schemas.events import Unit
from streams.incidents import lifecycle

#: All that answers without a login; the socket asks by itself.
OPEN = {
    ("POST", "/v1/session"),
    ("GET", "/health/live"),
    ("GET", "/health/ready"),
    ("GET", "/"),
    ("GET", "/v1/incidents/ws"),
}
PATHS = {"{incident_id}": "i-fire", "{device_id}": "gauge", "{source_id}": "river"}
BODY = {"expected_version": 1, "text": "x"}


def _routes(app: Any) -> list[tuple[str, str, Require | None]]:
    found: list[tuple[str, str, Require | None]] = []
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        if isinstance(route, APIWebSocketRoute):
            found.append(("GET", str(context.path), None))
        elif isinstance(route, APIRoute):
            calls = [dependency.call for dependency in route.dependant.dependencies]
            demands = [call for call in calls if isinstance(call, Require)]
            found += [(method, str(context.path), demands[0] if demands else None) for method in route.methods or ()]
    return found


async def _ask(client: httpx.AsyncClient, method: str, path: str) -> int:
    for name, value in PATHS.items():
        path = path.replace(name, value)
    body = BODY if method == "POST" else None
    return (await client.request(method, path, json=body)).status_code


async def test_every_route_but_the_named_ones_demands_a_login(world: Any) -> None:
    """A route that forgets its guard fails here; without a login each answers 401."""
    routes = _routes(world.app)
    assert len(routes) > 20
    nobody = await world.client()
    for method, path, demand in routes:
        if (method, path) in OPEN:
            continue
        assert demand is not None, f"{method} {path} has no guard"
        assert await _ask(nobody, method, path) == 401, f"{method} {path}"


@pytest.mark.parametrize("role", sorted(ROLES))
async def test_each_role_gets_403_exactly_where_its_row_says_so(world: Any, role: str) -> None:
    """The table of roles is what the routes do."""
    client = await world.person(role)
    for method, path, demand in _routes(world.app):
        if (method, path) in OPEN or path.endswith("/stream") or (method, path) == ("DELETE", "/v1/session"):
            continue
        assert demand is not None
        may = demand.permission is None or demand.permission in ROLES[role]
        got = await _ask(client, method, path)
        assert (got == 403) == (not may), f"{role} {method} {path}: {got}"
        assert got != 401
        assert got < 500


@pytest.mark.parametrize("role", sorted(ROLES))
def test_the_table_agrees_with_the_life_cycle(role: str) -> None:
    """An order that the life cycle permits to a role is permitted by the route, and the other way round."""
    for action in lifecycle.STEPS:
        assert lifecycle.permits(role, action) == (Permission(action) in ROLES[role])


async def test_another_agency_s_incident_does_not_exist(world: Any) -> None:
    """Reading it, its list entry and every order on it answer as if it was not there."""
    fire = await world.person("admin", agency="fire")
    mine = await fire.get("/v1/incidents")
    assert [one["id"] for one in mine.json()["items"]] == ["i-fire"]
    unknown = await fire.get("/v1/incidents/no-such")
    other = await fire.get("/v1/incidents/i-police")
    assert other.status_code == unknown.status_code == 404
    assert other.json() == unknown.json()
    for action in lifecycle.STEPS:
        answer = await fire.post(f"/v1/incidents/i-police/{action}", json=BODY)
        assert answer.status_code == 404, action
    before = await world.store.incident("i-police")
    assert before is not None
    assert before.version == 1


async def test_communes_narrow_what_is_seen(world: Any) -> None:
    """A reader of one commune sees its incidents and devices only, whatever is asked for."""
    here = await world.person("viewer", communes=("24133",))
    answer = await here.get("/v1/incidents", params={"commune": ["22015", "24133"]})
    assert [one["id"] for one in answer.json()["items"]] == ["i-police"]
    assert [one["id"] for one in (await here.get("/v1/devices")).json()["items"]] == ["cam-1"]
    assert (await here.get("/v1/devices/gauge/observations")).status_code == 404


async def test_units_of_other_communes_are_not_shown(world: Any) -> None:
    """A reader of a commune sees the units that are in it now or belong there, and nobody else's position."""
    car: dict[str, Any] = {"kind": "car", "agency": "fire"}
    await world.store.put_units(
        [
            Unit(id="here", name="x", lon=109.5, lat=13.5, **car),
            Unit(id="away", name="x", lon=108.0, lat=12.0, home_zone="commune:22015", **car),
            Unit(id="stranger", name="x", lon=108.0, lat=12.0, home_zone="commune:1", **car),
            Unit(id="unknown", name="x", **car),
        ]
    )
    reader = await world.person("viewer", communes=("22015",))
    assert [one["id"] for one in (await reader.get("/v1/units")).json()["items"]] == ["away", "here"]
    both = await world.person("viewer", communes=("22015",), agency="police")
    assert (await both.get("/v1/units")).json()["items"] == []


async def test_sources_devices_and_units_are_scoped_by_agency(world: Any) -> None:
    """Lists hold one's own and what has no owner; a chart of another's device does not exist."""
    fire = await world.person("viewer", agency="fire")
    sources = (await fire.get("/v1/sources")).json()["items"]
    assert {one["source"]["id"] for one in sources} == {"river", "pack", "off"}
    assert [one["id"] for one in (await fire.get("/v1/units")).json()["items"]] == ["u1"]
    assert [one["id"] for one in (await fire.get("/v1/devices")).json()["items"]] == ["gauge"]
    assert (await fire.get("/v1/devices/cam-1/observations")).status_code == 404


async def test_source_options_are_for_engineers(world: Any) -> None:
    """A viewer sees freshness, not addresses."""
    viewer, engineer = await world.person("viewer"), await world.person("engineer")

    async def options(client: httpx.AsyncClient) -> object:
        items = (await client.get("/v1/sources")).json()["items"]
        return next(one["source"]["options"] for one in items if one["source"]["id"] == "river")

    assert await options(viewer) == {}
    assert await options(engineer) == {"url": "x"}


async def test_a_reading_key_is_scoped_and_gives_no_orders(world: Any) -> None:
    """Keys read within their scopes; people decide."""
    key = await world.program("read", "agency:fire")
    assert [one["id"] for one in (await key.get("/v1/incidents")).json()["items"]] == ["i-fire"]
    greedy = await world.program("read", "close", "ack")
    for each in (key, greedy):
        assert (await each.post("/v1/incidents/i-fire/ack", json=BODY)).status_code == 403
        assert (await each.get("/v1/me")).status_code == 401


async def test_a_key_with_a_misspelt_scope_sees_nothing(world: Any) -> None:
    """It fails closed: no incident in the list or the counts, no device."""
    key = await world.program("read", "agancy:fire")
    assert (await key.get("/v1/incidents")).json()["items"] == []
    assert (await key.get("/v1/incidents/counts")).json()["open"] == 0
    assert (await key.get("/v1/devices")).json()["items"] == []


async def test_a_refused_order_is_audited(world: Any) -> None:
    """Who tried what they may not is in the log."""
    viewer = await world.person("viewer")
    await viewer.post("/v1/incidents/i-fire/close", json=BODY)
    newest = (await world.store.audit_log(1))[0][1]
    assert (newest.actor, newest.action, newest.outcome) == ("viewer-all", "close", "refused")


async def test_a_disabled_account_and_an_ended_session_are_out_at_once(world: Any) -> None:
    """The next request after switching off an account, or after the session's end, is a 401."""
    client = await world.person("viewer")
    assert (await client.get("/v1/me")).status_code == 200
    account = await world.store.account("viewer-all")
    await world.store.put_account(replace(account, enabled=False))
    assert (await client.get("/v1/me")).status_code == 401
    await world.store.put_account(account)
    world.clock.pass_s(3600)
    assert (await client.get("/v1/me")).status_code == 401
