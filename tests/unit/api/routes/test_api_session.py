"""Login, logout, CSRF, origins, lock-out."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest

from api.app import create_app
from api.config import ApiConfig, Limits
from api.security.passwords import hash_password
from schemas.store.memory import MemoryStore
from schemas.store.security import Account
from tests.doubles import FakePublisher
from tests.unit.api.conftest import CONFIG, World, check

GOOD = {"name": "An", "password": "mật khẩu dài"}


@pytest.fixture
def config() -> ApiConfig:
    """Lock after three failures."""
    return replace(CONFIG, limits=Limits(login_failures="3 per 1 minute", orders="3 per 1 minute"))


@pytest.fixture
async def account(world: Any) -> Account:
    """Give an operator with a password."""
    made = Account("an", "operator", hash_password(GOOD["password"], (1, 8, 1)), "Nguyễn Văn An", agency="fire")
    await world.store.put_account(made)
    return made


async def test_login_gives_a_cookie_that_scripts_cannot_read_and_a_csrf_token(world: Any, account: Account) -> None:
    """The body says who it is; the cookie is HttpOnly and SameSite=Strict; only its digest is stored."""
    client = await world.client()
    answer = await client.post("/v1/session", json=GOOD)
    assert answer.status_code == 200
    body = answer.json()
    assert body | {"csrf": ""} == {
        "name": "an",
        "display_name": "Nguyễn Văn An",
        "role": "operator",
        "agency": "fire",
        "communes": [],
        "csrf": "",
        "language": "vi",
    }
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("canh_session=")
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert (await client.get("/v1/me")).json() == body
    token = cookie.split(";")[0].partition("=")[2]
    assert token.encode() not in repr(world.store.tables.session).encode()


async def test_logout_forgets_the_session_on_the_server(world: Any, account: Account) -> None:
    """A copied cookie is worth nothing after logout."""
    client = await world.client()
    csrf = (await client.post("/v1/session", json=GOOD)).json()["csrf"]
    copy = dict(client.cookies)
    headers = {"X-CSRF-Token": csrf, "Sec-Fetch-Site": "same-origin"}
    assert (await client.delete("/v1/session", headers=headers)).status_code == 204
    thief = await world.client(Cookie=f"canh_session={copy['canh_session']}")
    assert (await thief.get("/v1/me")).status_code == 401


@pytest.mark.parametrize("wrong", [{"name": "an", "password": "x"}, {"name": "nobody", "password": "x"}])
async def test_wrong_name_and_wrong_password_answer_alike(world: Any, account: Account, wrong: dict[str, str]) -> None:
    """The answer does not tell which of them was wrong; the failure is audited."""
    answer = await (await world.client()).post("/v1/session", json=wrong)
    assert answer.status_code == 401
    assert answer.json()["type"] == "urn:canh:problem:wrong_login"
    newest = (await world.store.audit_log(1))[0][1]
    assert (newest.actor, newest.action, newest.outcome) == (wrong["name"], "login", "refused")


async def test_a_disabled_account_cannot_log_in(world: Any, account: Account) -> None:
    """The right password of a switched-off account answers like a wrong one."""
    await world.store.put_account(replace(account, enabled=False))
    answer = await (await world.client()).post("/v1/session", json=GOOD)
    assert answer.json()["type"] == "urn:canh:problem:wrong_login"


async def test_guessing_is_locked_out(world: Any, account: Account) -> None:
    """After three failures even the right password must wait."""
    client = await world.client()
    for _ in range(3):
        assert (await client.post("/v1/session", json=GOOD | {"password": "x"})).status_code == 401
    answer = await client.post("/v1/session", json=GOOD)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b'{"name":"an"}', b'{"name":"a\\u0000n","password":"x"}', b'{"name":1,"password":"x"}', b"\xff"],
)
async def test_a_login_of_another_shape_is_invalid(world: Any, body: bytes) -> None:
    """Bad input is a 422 problem, never a failure of ours."""
    answer = await (await world.client()).post("/v1/session", content=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_write_by_cookie_needs_the_csrf_token(world: Any) -> None:
    """The cookie alone, as a foreign form would send it, is not enough."""
    headers = await world.login_headers("operator")
    body = {"expected_version": 1}
    for token in ("", "wrong"):
        client = await world.client(**(headers | {"X-CSRF-Token": token}))
        answer = await client.post("/v1/incidents/i-fire/ack", json=body)
        assert answer.status_code == 403
        assert answer.json()["type"] == "urn:canh:problem:bad_csrf"


@pytest.mark.parametrize(
    "sent",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://canh.test.evil.example"},
        {"Origin": "http://canh.test", "Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {},
    ],
)
async def test_a_write_from_another_site_is_refused(world: Any, sent: dict[str, str]) -> None:
    """Even with cookie and token: a foreign origin, or none at all, is a 403."""
    headers = await world.login_headers("operator")
    del headers["Origin"]
    client = await world.client(**headers)
    answer = await client.post("/v1/incidents/i-fire/ack", json={"expected_version": 1}, headers=sent)
    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:canh:problem:bad_origin"


async def test_login_from_another_site_is_refused(world: Any, account: Account) -> None:
    """A foreign page cannot log a browser in as somebody (login CSRF)."""
    answer = await (await world.client(Origin="https://evil.example")).post("/v1/session", json=GOOD)
    assert answer.status_code == 403


async def test_orders_are_limited_for_each_person(world: Any) -> None:
    """The fourth order in a minute waits; another person is not touched."""
    one, two = await world.person("operator", name="one"), await world.person("operator", name="two")
    codes = [
        (await one.post("/v1/incidents/i-fire/comment", json={"expected_version": 0})).status_code for _ in range(4)
    ]
    assert codes == [409, 409, 409, 429]
    assert (await two.post("/v1/incidents/i-fire/comment", json={"expected_version": 0})).status_code == 409


async def test_a_wrong_key_is_401_and_its_first_failure_is_audited(world: Any) -> None:
    """A key that does not open is refused like an unknown one; a storm of tries is one line in the log."""
    client = await world.client(Authorization="Bearer ck_1.wrong")
    for _ in range(5):
        answer = await client.get("/v1/incidents")
        assert answer.status_code == 401
    assert answer.json()["type"] == "urn:canh:problem:wrong_key"
    assert [entry.actor for _, entry in await world.store.audit_log(10)] == ["key:ck_1"]
    for header in ("Basic YTpi", "Bearer", "Bearer x", "nonsense"):
        assert (await (await world.client(Authorization=header)).get("/v1/me")).status_code == 401


async def test_a_key_in_the_url_is_not_read(world: Any) -> None:
    """Secrets do not belong into URLs: they would be in logs."""
    answer = await (await world.client()).get("/v1/incidents?key=ck_1.x&token=y")
    assert answer.status_code == 401


async def test_a_configured_origin_may_write_and_is_answered_with_cors(
    store: MemoryStore, clock: Any, config: ApiConfig
) -> None:
    """A console on another host of the same site works when it is named, and only then."""
    other = "https://ioc.example.vn"
    app = create_app(
        store=store, publisher=FakePublisher(), check=check, clock=clock, config=replace(config, origins=(other,))
    )
    async with app.router.lifespan_context(app), AsyncExitStack() as stack:
        world = World(app, store, FakePublisher(), clock, stack)
        client = await world.person("operator")
        body = {"expected_version": 1}
        for origin, status in (("https://evil.example", 403), (other, 200)):
            sent = {"Origin": origin, "Sec-Fetch-Site": "same-site"}
            answer = await client.post("/v1/incidents/i-fire/ack", json=body, headers=sent)
            assert answer.status_code == status
            assert (answer.headers.get("access-control-allow-origin") == other) == (origin == other)
