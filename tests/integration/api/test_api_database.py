"""The API on a real database: two processes' worth of apps share one feed without holes."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.config import ApiConfig, FeedConfig, Limits
from api.feed.filter import Filter
from api.feed.stream import Stream
from api.security import sessions
from schemas.store.abstract import Commit, IncidentQuery
from schemas.store.security import Account
from schemas.store.timescale import TimescaleStore
from tests.doubles import FakePublisher, make_incident, now, opening, refuse_bad
from tests.servers import DatabaseServer
from tests.unit.api.feed.hand import taken

pytestmark = pytest.mark.integration

CONFIG = ApiConfig(
    password_cost=(1, 8, 1),
    registry_ttl_s=0.0,
    feed=FeedConfig(page=16, poll_s=0.2),
    limits=Limits(orders="100000 per minute"),
)


@pytest.fixture
async def apps(database: DatabaseServer) -> AsyncIterator[list[FastAPI]]:
    """Give two apps on one new database, each with a pool of its own."""
    dsn = database.create_database()
    async with AsyncExitStack() as stack:
        made: list[FastAPI] = []
        for name in ("one", "two"):
            store = TimescaleStore(dsn, min_size=1, max_size=6, application_name=name)
            await store.open()
            stack.push_async_callback(store.close)
            if not made:
                await store.migrate()
            app = create_app(store=store, publisher=FakePublisher(), check=refuse_bad, clock=now, config=CONFIG)
            await stack.enter_async_context(app.router.lifespan_context(app))
            made.append(app)
        yield made


async def _open_incidents(app: FastAPI, count: int) -> None:
    writes = [opening(make_incident(f"i{i}", now(), kind="noise", severity=1)) for i in range(count)]
    await app.state.context.store.commit(Commit(incidents=tuple(writes)))


async def _operator(app: FastAPI) -> httpx.AsyncClient:
    store = app.state.context.store
    await store.put_account(Account("an", "operator", ""))
    session, token = sessions.new_session("an", now(), 600)
    await store.put_session(session)
    headers = {"Cookie": f"canh_session={token}", "X-CSRF-Token": session.csrf, "Sec-Fetch-Site": "same-origin"}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://canh.test", headers=headers)


async def _listen(app: FastAPI, since: str, last: int) -> list[int]:
    async def always() -> bool:
        return True

    stream = Stream(
        broadcaster=app.state.context.broadcaster,
        actor="an",
        filter=Filter(IncidentQuery(), {}),
        since=since,
        config=CONFIG.feed,
        now_text=lambda: "",
        still_valid=always,
    )
    await stream.open()
    got: list[int] = []
    async with contextlib.aclosing(taken(stream)) as pieces:
        async for piece in pieces:
            assert all(packet.event != "reset" for packet in piece)
            got += [packet.feed_id or 0 for packet in piece if packet.event == "change"]
            if got and got[-1] >= last:
                return got
    return got


async def test_concurrent_orders_through_one_app_are_a_feed_without_holes_on_the_other(apps: list[FastAPI]) -> None:
    """20 people write at once through one app; a client of the other gets each change once, in commit order."""
    one, two = apps
    people, orders = 20, 6
    await _open_incidents(one, people)

    async with await _operator(one) as client:

        async def comment(i: int) -> None:
            for version in range(1, orders + 1):
                body = {"expected_version": version, "text": f"lần {version}"}
                answer = await client.post(f"/v1/incidents/i{i}/comment", json=body)
                assert answer.status_code == 200, answer.text

        live = asyncio.create_task(_listen(two, "0", people * (1 + orders)))
        async with asyncio.timeout(60):
            await asyncio.gather(*(comment(i) for i in range(people)))
            got = await live
        detail = (await client.get("/v1/incidents/i3")).json()
    stored = [entry.feed_id for entry in await two.state.context.store.feed(0, 1000)]
    assert got == stored
    assert len(got) == people * (1 + orders)
    assert [step["change"]["version"] for step in detail["timeline"]] == list(range(1, orders + 2))
    assert await one.state.context.store.audit_broken_at() is None


async def test_two_orders_at_once_have_one_winner(apps: list[FastAPI]) -> None:
    """Of two people who acknowledge at the same moment through two apps, one gets 200 and one 409 with the change."""
    one, two = apps
    await _open_incidents(one, 1)
    async with await _operator(one) as left, await _operator(two) as right:
        body = {"expected_version": 1}
        answers = await asyncio.gather(*(each.post("/v1/incidents/i0/ack", json=body) for each in (left, right)))
        codes = sorted(answer.status_code for answer in answers)
        assert codes == [200, 409]
        lost = next(answer for answer in answers if answer.status_code == 409)
        assert [change["change"] for change in lost.json()["changes"]] == ["acknowledged"]
        listed = (await left.get("/v1/incidents?q=on&status=acknowledged")).json()
        assert [incident["version"] for incident in listed["items"]] == [2]


@pytest.mark.parametrize("path", ["/v1/incidents?q=%27%3B--", "/v1/incidents/%27", "/v1/incidents?cursor=x"])
async def test_odd_texts_are_data_for_the_database(apps: list[FastAPI], path: str) -> None:
    """Quotes and comments in URLs are searched for, not run."""
    async with await _operator(apps[0]) as client:
        answer = await client.get(path)
        assert answer.status_code in {200, 404, 422}
        assert json.loads(answer.content)
