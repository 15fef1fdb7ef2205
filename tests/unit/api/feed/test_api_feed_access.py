"""Who gets what of the live feed: scope, filter, ended sessions, sockets of other sites (G8)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from api.feed.filter import Filter
from api.feed.frame import Frame
from api.security.keys import create_key
from schemas.events import Change, FeedEntry
from schemas.store.abstract import IncidentQuery, Scope
from tests.doubles import BEGIN, make_incident, step
from tests.unit.api.conftest import FAST, HOST, RawClient, change_incident, open_incident, scope_of, take_changes

Connect = Callable[..., Any]


async def test_another_agency_s_changes_are_never_on_the_stream(world: Any, listen: Connect) -> None:
    """A scoped client gets its own incidents only, whatever it asks for, also when it resumes."""
    headers = await world.login_headers("viewer", agency="fire")
    client = listen(headers, "/v1/incidents/stream?since=0&agency=police&agency=fire")
    await change_incident(world.store, "i-police")
    await open_incident(world.store, make_incident("i-new", agency="police"))
    mine = await change_incident(world.store, "i-fire")
    got = await take_changes(client, 2)
    assert [(message.id, message.data["incident"]["id"]) for message in got] == [(1, "i-fire"), (mine, "i-fire")]
    assert (await client.next(beats=True)).event == "beat"


async def test_a_hand_over_is_gone_for_one_and_new_for_the_other(world: Any, listen: Connect) -> None:
    """Who could see the incident before learns that it is gone and nothing of where it went."""
    fire = listen(await world.login_headers("viewer", agency="fire"))
    police = listen(await world.login_headers("viewer", agency="police"))
    await fire.next()
    await police.next()
    feed_id = await change_incident(world.store, "i-fire", Change.ASSIGNED, agency="police")
    (gone,) = await take_changes(fire, 1)
    assert gone.data["incident"] == {"id": "i-fire", "gone": True}
    assert gone.data["change"] is None
    assert "police" not in json.dumps(gone.data)
    (new,) = await take_changes(police, 1)
    assert (new.id, new.data["incident"]["agency"]) == (feed_id, "police")
    await change_incident(world.store, "i-fire")
    assert (await take_changes(police, 1))[0].data["incident"]["id"] == "i-fire"
    assert (await fire.next(beats=True)).event == "beat"


@pytest.mark.parametrize("since", [0, 2])
async def test_the_past_of_what_was_handed_over_is_not_replayed(world: Any, listen: Connect, since: int) -> None:
    """Who may no longer open the incident gets no old change of it: from the store (0) and from the ring (2) alike."""
    noted = await change_incident(world.store, "i-fire", assignee="a secret note")
    handed = await change_incident(world.store, "i-fire", Change.ASSIGNED, agency="police")
    await world.app.state.context.broadcaster.moved(handed - 1, 2)
    path = f"/v1/incidents/stream?since={since}"
    fire = listen(await world.login_headers("viewer", agency="fire"), path)
    (gone,) = await take_changes(fire, 1)
    assert gone.id == (noted if since else 1)
    assert gone.data["incident"] == {"id": "i-fire", "gone": True}
    beat = await fire.next(beats=True)
    assert (beat.event, beat.id) == ("beat", handed)
    police = listen(await world.login_headers("viewer", agency="police"), path)
    assert (await take_changes(police, 1 if since else 2))[-1].id == handed


async def test_what_comes_back_has_its_past_again(world: Any, listen: Connect) -> None:
    """An incident that is handed back is replayed with what its agency could see of it, and nothing of the other's."""
    await change_incident(world.store, "i-fire", Change.ASSIGNED, agency="police")
    await change_incident(world.store, "i-fire", assignee="theirs")
    back = await change_incident(world.store, "i-fire", Change.ASSIGNED, agency="fire")
    await world.app.state.context.broadcaster.moved(back - 1, 2)
    fire = listen(await world.login_headers("viewer", agency="fire"), "/v1/incidents/stream?since=0")
    got = await take_changes(fire, 3)
    assert [(message.id, "gone" in message.data["incident"]) for message in got] == [(1, False), (3, True), (5, False)]


async def test_history_is_judged_by_one_query_a_page(
    world: Any, listen: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long replay asks the store once for each page how its incidents stand, not for each change."""
    last = [await change_incident(world.store, name) for _ in range(40) for name in ("i-fire", "i-police")][-1]
    await world.app.state.context.broadcaster.moved(last - 1, 2)
    asked: list[list[str]] = []
    by_id = world.store.incidents_by_id

    async def counted(ids: list[str]) -> Any:
        asked.append(ids)
        return await by_id(ids)

    monkeypatch.setattr(world.store, "incidents_by_id", counted)
    fire = listen(await world.login_headers("viewer", agency="fire"), "/v1/incidents/stream?since=0")
    assert len(await take_changes(fire, 41)) == 41
    assert 1 <= len(asked) <= last // FAST.page + 1


async def test_what_leaves_the_filter_is_gone_once(world: Any, listen: Connect) -> None:
    """A list of severity 4 and more loses an incident that no longer passes, and is not told again."""
    client = listen(await world.login_headers("viewer"), "/v1/incidents/stream?status=new")
    await client.next()
    await change_incident(world.store, "i-fire", status="acknowledged")
    await change_incident(world.store, "i-fire")
    await change_incident(world.store, "i-fire", status="new")
    got = await take_changes(client, 2)
    assert got[0].data["incident"] == {"id": "i-fire", "gone": True}
    assert got[1].data["incident"]["status"] == "new"


async def test_text_filters_know_names_of_places(world: Any, listen: Connect) -> None:
    """The stream finds by the commune's name like the list does."""
    client = listen(await world.login_headers("viewer"), "/v1/incidents/stream?q=tuy%20hoa")
    await client.next()
    await change_incident(world.store, "i-police")
    feed_id = await change_incident(world.store, "i-fire")
    got = await take_changes(client, 2)
    assert "gone" in got[0].data["incident"]
    assert got[1].id == feed_id


@pytest.mark.parametrize("how", ["logout", "disabled", "scope", "expired"])
async def test_an_open_stream_ends_when_its_reader_may_no_longer_read(world: Any, listen: Connect, how: str) -> None:
    """Logout, a switched-off account, a narrower scope or the session's end close it at the next check."""
    headers = await world.login_headers("viewer")
    client = listen(headers)
    await client.next()
    account = await world.store.account("viewer-all")
    if how == "logout":
        sender = await world.client(**headers)
        await sender.delete("/v1/session")
    elif how == "disabled":
        await world.store.put_account(replace(account, enabled=False))
    elif how == "scope":
        await world.store.put_account(replace(account, agency="fire"))
    else:
        world.clock.pass_s(3601)
    async with asyncio.timeout(30):
        assert await client.next() is None


async def test_a_revoked_key_loses_its_stream(world: Any, listen: Connect) -> None:
    """A key is asked for again like a session."""
    key, text = create_key("wall", ["read"], [], now=world.clock())
    await world.store.put_api_key(key)
    client = listen({"Authorization": f"Bearer {text}"})
    await client.next()
    await world.store.put_api_key(replace(key, revoked_at=world.clock()))
    async with asyncio.timeout(30):
        assert await client.next() is None


async def test_too_many_streams_of_one_reader_are_refused(
    world: Any, listen: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One reader cannot take all connections."""
    headers = await world.login_headers("viewer")
    monkeypatch.setattr(world.app.state.context.broadcaster, "open_of", lambda actor: 64)
    client = listen(headers)
    message = await client.raw()
    assert message["status"] == 429


async def _socket(world: Any, headers: dict[str, str], query: str = "") -> RawClient:
    client = RawClient(world.app, scope_of("websocket", f"/v1/incidents/ws{query}", headers))
    client.tell({"type": "websocket.connect"})
    return client


async def test_the_socket_says_the_same_as_the_stream(world: Any) -> None:
    """hello, change with id, beat: JSON texts of {event, id?, data}; what the client says does not matter."""
    client = await _socket(world, await world.login_headers("viewer"), "?since=1&kind=flood.river")
    assert (await client.raw())["type"] == "websocket.accept"
    hello = json.loads((await client.raw())["text"])
    assert (hello["event"], hello["id"], hello["data"]["resumed"]) == ("hello", "1", True)
    client.tell({"type": "websocket.receive", "bytes": b"\x00"})
    feed_id = await change_incident(world.store, "i-fire")
    while (message := json.loads((await client.raw())["text"]))["event"] == "beat":
        pass
    assert (message["event"], message["id"]) == ("change", str(feed_id))
    assert message["data"]["incident"]["id"] == "i-fire"
    client.tell({"type": "websocket.disconnect", "code": 1000})
    async with asyncio.timeout(30):
        await client.task
    assert world.app.state.context.broadcaster.clients == 0


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": f"http://{HOST}", "Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": ""}, 403),
        ({"Cookie": ""}, 401),
        ({"Authorization": "Bearer ck_x.y"}, 401),
    ],
)
async def test_a_socket_of_another_site_or_without_login_is_denied(
    world: Any, change: dict[str, str], status: int
) -> None:
    """The handshake itself is refused, with a problem that says why."""
    client = await _socket(world, await world.login_headers("viewer") | change)
    message = await client.raw()
    assert (message["type"], message["status"]) == ("websocket.http.response.start", status)


async def test_a_socket_with_a_bad_filter_is_denied(world: Any) -> None:
    """Unknown parameters are refused as on the list."""
    client = await _socket(world, await world.login_headers("viewer"), "?bbbox=1")
    assert (await client.raw())["status"] == 422


async def test_a_socket_without_an_origin_needs_a_key(world: Any) -> None:
    """A program with a key has no origin; a browser's cookie never comes without one."""
    headers = await world.login_headers("viewer")
    del headers["Origin"]
    assert (await (await _socket(world, headers)).raw())["status"] == 403
    key, text = create_key("wall", ["read"], [], now=world.clock())
    await world.store.put_api_key(key)
    client = await _socket(world, {"Authorization": f"Bearer {text}"})
    assert (await client.raw())["type"] == "websocket.accept"
    client.tell({"type": "websocket.disconnect", "code": 1000})


def test_a_filter_agrees_with_the_scope_of_a_query() -> None:
    """A reader of nothing gets nothing."""
    incident = make_incident("x")
    frame = Frame(FeedEntry(feed_id=1, recorded_at=BEGIN, change=step(incident), incident=incident))
    nobody = Scope(agencies=frozenset(), communes=frozenset())
    assert Filter(IncidentQuery(scope=nobody), {}).packet(frame) is None
