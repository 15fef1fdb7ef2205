"""What the API answers is what its OpenAPI description says."""

from __future__ import annotations

from typing import Any

import httpx
import jsonschema  # type: ignore[import-untyped]  # it has no stubs of its own
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.config import ApiConfig
from api.security import keys, sessions
from api.security.passwords import hash_password
from schemas.events import Agency, Device, Source, Unit
from schemas.store.abstract import Commit
from schemas.store.memory import MemoryStore
from schemas.store.security import Account
from tests.doubles import FakePublisher, make_incident, now, opening, refuse_bad

COST = (1, 8, 1)


@pytest.fixture
async def app() -> FastAPI:
    """Give an app with one of everything."""
    store = MemoryStore()
    await store.put_agencies([Agency(id="a", name="A", kind="police")])
    await store.put_sources([Source(id="s", kind="sensor", format="native", cadence_s=60)])
    await store.put_devices([Device(id="d", source="s", metrics=("rain",))])
    await store.put_units([Unit(id="u", name="U", kind="car", agency="a")])
    await store.commit(Commit(incidents=(opening(make_incident("i", now())),)))
    await store.put_account(Account("an", "admin", hash_password("x", COST)))
    config = ApiConfig(password_cost=COST, registry_ttl_s=0.0)
    return create_app(store=store, publisher=FakePublisher(), check=refuse_bad, clock=now, config=config)


async def _client(app: FastAPI) -> httpx.AsyncClient:
    store = app.state.context.store
    session, token = sessions.new_session("an", now(), 60)
    await store.put_session(session)
    headers = {"Cookie": f"canh_session={token}", "X-CSRF-Token": session.csrf, "Sec-Fetch-Site": "same-origin"}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://canh.test", headers=headers)


def _schema(app: FastAPI, template: str, answer: httpx.Response) -> dict[str, Any]:
    whole = app.openapi()
    operation = whole["paths"][template][answer.request.method.lower()]
    content = operation["responses"][str(answer.status_code)]["content"]
    media_type = answer.headers["content-type"].partition(";")[0]
    return {**content[media_type]["schema"], "components": whole["components"]}


CALLS = [
    ("GET", "/v1/me", "/v1/me", None, 200),
    ("GET", "/v1/incidents", "/v1/incidents", None, 200),
    ("GET", "/v1/incidents?limit=0", "/v1/incidents", None, 422),
    ("GET", "/v1/incidents/counts", "/v1/incidents/counts", None, 200),
    ("GET", "/v1/incidents/i", "/v1/incidents/{incident_id}", None, 200),
    ("GET", "/v1/incidents/x", "/v1/incidents/{incident_id}", None, 404),
    ("POST", "/v1/incidents/i/ack", "/v1/incidents/{incident_id}/ack", {"expected_version": 1}, 200),
    ("POST", "/v1/incidents/i/ack", "/v1/incidents/{incident_id}/ack", {"expected_version": 7}, 409),
    ("POST", "/v1/incidents/i/close", "/v1/incidents/{incident_id}/close", {"expected_version": 1}, 422),
    ("GET", "/v1/devices", "/v1/devices", None, 200),
    ("GET", "/v1/devices/d/observations", "/v1/devices/{device_id}/observations", None, 200),
    ("GET", "/v1/sources", "/v1/sources", None, 200),
    ("GET", "/v1/agencies", "/v1/agencies", None, 200),
    ("GET", "/v1/units", "/v1/units", None, 200),
    ("GET", "/v1/metrics", "/v1/metrics", None, 200),
    ("GET", "/v1/kinds", "/v1/kinds", None, 200),
    ("POST", "/v1/ingest/s", "/v1/ingest/{source_id}", ["good", "bad"], 202),
    ("POST", "/v1/ingest/s", "/v1/ingest/{source_id}", "bad", 400),
    ("POST", "/v1/ingest/x", "/v1/ingest/{source_id}", "good", 404),
]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call[0]} {call[1]} {call[4]}")
async def test_an_answer_fits_its_description(app: FastAPI, call: tuple[str, str, str, object, int]) -> None:
    """Status, media type and body are those of the description."""
    method, path, template, body, status = call
    async with app.router.lifespan_context(app), await _client(app) as client:
        answer = await client.request(method, path, json=body) if body else await client.request(method, path)
        assert answer.status_code == status, answer.text
        jsonschema.validate(answer.json(), _schema(app, template, answer))


async def test_a_login_fits_its_description(app: FastAPI) -> None:
    """The body of a login is described in both directions."""
    async with app.router.lifespan_context(app), await _client(app) as client:
        body = {"name": "an", "password": "x"}
        request = {"$ref": "#/components/schemas/Login", "components": app.openapi()["components"]}
        jsonschema.validate(body, request)
        answer = await client.post("/v1/session", json=body)
        assert answer.status_code == 200
        jsonschema.validate(answer.json(), _schema(app, "/v1/session", answer))


async def test_a_key_is_described_as_bearer(app: FastAPI) -> None:
    """The description's two ways to log in are those that work."""
    schemes = app.openapi()["components"]["securitySchemes"]
    assert schemes["key"]["scheme"] == "bearer"
    key, text = keys.create_key("k", ["read"], [], now=now())
    await app.state.context.store.put_api_key(key)
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://canh.test") as client,
    ):
        answer = await client.get("/v1/kinds", headers={"Authorization": f"Bearer {text}"})
        assert answer.status_code == 200
    assert schemes["session"]["name"] == sessions.cookie_name(secure=False)
