"""An app over the memory store, callers of every role, and raw ASGI clients for streams that do not end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.config import ApiConfig, FeedConfig
from api.ingest.check import Checked, Refusal
from api.security import keys, sessions
from schemas.events import Agency, Change, Device, Incident, IncidentWrite, Lane, Source, Text, Unit, Zone
from schemas.store.abstract import Commit
from schemas.store.memory import MemoryStore
from schemas.store.security import Account
from tests.doubles import BEGIN, FakePublisher, make_incident, opening, step

HOST = "canh.test"
FAST = FeedConfig(ring=64, page=16, beat_s=0.05, poll_s=0.02, send_timeout_s=0.2, recheck_s=0.05)
CONFIG = ApiConfig(password_cost=(1, 8, 1), registry_ttl_s=0.0, feed=FAST)


@dataclass
class Clock:
    """A time that tests move; it begins now, because stores judge sessions by their own clock."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        """Give the time."""
        return self.now

    def pass_s(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


def check(
    source: Source, records: Sequence[bytes], headers: Mapping[str, bytes], received_at: datetime
) -> Sequence[Checked]:
    """Accept objects with a device; a list is one message with an event an item."""
    return [_checked(raw) for raw in records]


def _checked(raw: bytes) -> Checked:
    try:
        found = json.loads(raw)
    except ValueError:
        return Checked(refusals=[Refusal(0, "bad_json", message="not JSON")])
    items = found if isinstance(found, list) else [found]
    devices = [item.get("device", "") if isinstance(item, dict) else "" for item in items]
    refusals = [Refusal(n, "bad_shape", "device", "device is missing") for n, name in enumerate(devices) if not name]
    return Checked(next(filter(None, devices), ""), len(items), refusals)


async def open_incident(store: MemoryStore, incident: Incident) -> int:
    """Write a new incident; gives its feed id."""
    return (await store.commit(Commit(incidents=(opening(incident),)))).feed_ids[-1]


async def change_incident(store: MemoryStore, name: str, change: Change = Change.COMMENTED, **given: Any) -> int:
    """Write the next version of an incident; gives its feed id."""
    before = await store.incident(name)
    assert before is not None
    after = msgspec.structs.replace(before, version=before.version + 1, **given)
    write = IncidentWrite(incident=after, expected_version=before.version, changes=(step(after, change),))
    return (await store.commit(Commit(incidents=(write,)))).feed_ids[-1]


@dataclass
class World:
    """The app with all that is behind it."""

    app: FastAPI
    store: MemoryStore
    publisher: FakePublisher
    clock: Clock
    _stack: AsyncExitStack

    async def client(self, **headers: str) -> httpx.AsyncClient:
        """Give a caller who has not logged in."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        made = httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}", headers=headers)
        return await self._stack.enter_async_context(made)

    async def person(
        self, role: str, *, agency: str | None = None, communes: tuple[str, ...] = (), name: str = ""
    ) -> httpx.AsyncClient:
        """Give a caller with a session, as a browser of our own page sends it."""
        headers = await self.login_headers(role, agency=agency, communes=communes, name=name)
        return await self.client(**headers)

    async def login_headers(
        self, role: str, *, agency: str | None = None, communes: tuple[str, ...] = (), name: str = ""
    ) -> dict[str, str]:
        """Give the headers of a logged-in browser."""
        account = Account(name or f"{role}-{agency or 'all'}", role, "", agency=agency, communes=communes)
        await self.store.put_account(account)
        session, token = sessions.new_session(account.name, self.clock(), 3600)
        await self.store.put_session(session)
        return {
            "Cookie": f"canh_session={token}",
            "X-CSRF-Token": session.csrf,
            "Origin": f"http://{HOST}",
            "Host": HOST,
        }

    async def program(self, *scopes: str, sources: Sequence[str] = ()) -> httpx.AsyncClient:
        """Give a caller with an API key."""
        key, text = keys.create_key("test", scopes, sources, now=self.clock())
        await self.store.put_api_key(key)
        return await self.client(Authorization=f"Bearer {text}")


@pytest.fixture
def clock() -> Clock:
    """Give a time that stands still."""
    return Clock()


@pytest.fixture
async def store() -> AsyncIterator[MemoryStore]:
    """Give a store with two agencies, two sources, a device each, and an incident each."""
    made = MemoryStore()
    await made.open()
    await fill(made)
    yield made
    await made.close()


async def fill(store: MemoryStore) -> None:
    """Put the small world into a store."""
    await store.put_agencies(
        [Agency(id="fire", name="PCCC", kind="fire"), Agency(id="police", name="Công an", kind="police")]
    )
    square = {"type": "Polygon", "coordinates": [[[109, 13], [110, 13], [110, 14], [109, 14], [109, 13]]]}
    day = date(2025, 7, 1)
    await store.put_zones(
        [Zone(id="commune:22015", kind="commune", code="22015", name="Tuy Hoà", geometry=square, valid_from=day)]
    )
    await store.put_sources(
        [
            Source(id="river", kind="sensor", format="native", agency="fire", cadence_s=600, options={"url": "x"}),
            Source(id="camera", kind="camera", format="onvif", agency="police", lane=Lane.PRIORITY),
            Source(id="pack", kind="sensor", format="senml"),
            Source(id="off", kind="sensor", format="native", enabled=False),
        ]
    )
    await store.put_devices(
        [
            Device(id="gauge", source="river", lon=109.3, lat=13.1, commune="22015", metrics=("water_level",)),
            Device(id="cam-1", source="camera", lon=108.0, lat=12.7, commune="24133"),
        ]
    )
    await store.put_units(
        [Unit(id="u1", name="Xe 1", kind="car", agency="fire"), Unit(id="u2", name="Xe 2", kind="car", agency="police")]
    )
    await open_incident(store, make_incident("i-fire"))
    await open_incident(
        store,
        make_incident(
            "i-police",
            kind="public.order",
            title=Text(vi="Gây rối", en="Riot"),
            severity=4,
            agency="police",
            commune="24133",
            lon=108.0,
            lat=12.7,
            updated_at=BEGIN + timedelta(minutes=1),
        ),
    )


@pytest.fixture
def config() -> ApiConfig:
    """Give the configuration; tests override this fixture."""
    return CONFIG


@pytest.fixture
async def world(store: MemoryStore, clock: Clock, config: ApiConfig) -> AsyncIterator[World]:
    """Give the running app."""
    publisher = FakePublisher()
    app = create_app(store=store, publisher=publisher, check=check, clock=clock, config=config)
    async with app.router.lifespan_context(app), AsyncExitStack() as stack:
        await app.state.context.broadcaster.ready.wait()
        yield World(app, store, publisher, clock, stack)


@dataclass
class Received:
    """One message of the feed as a client sees it."""

    event: str
    id: int | None
    data: dict[str, Any]


class RawClient:
    """One ASGI connection that a test drives by hand: SSE or WebSocket."""

    def __init__(self, app: Callable[..., Awaitable[None]], scope: dict[str, Any]) -> None:
        self._to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._from_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.stalled = asyncio.Event()
        self.stalled.set()
        self._text = ""
        self.task = asyncio.create_task(self._run(app, scope))

    async def _run(self, app: Callable[..., Awaitable[None]], scope: dict[str, Any]) -> None:
        try:
            await app(scope, self._to_app.get, self._send)
        finally:
            await self._from_app.put({"type": "end"})

    async def _send(self, message: dict[str, Any]) -> None:
        await self.stalled.wait()
        await self._from_app.put(message)

    def tell(self, message: dict[str, Any]) -> None:
        """Send something to the app."""
        self._to_app.put_nowait(message)

    async def raw(self, timeout_s: float = 30.0) -> dict[str, Any]:
        """Give the next ASGI message, of type "end" when the app has ended."""
        async with asyncio.timeout(timeout_s):
            return await self._from_app.get()

    async def leave(self) -> None:
        """Disconnect and wait for the app to notice."""
        self.stalled.set()
        self.tell({"type": "http.disconnect"})
        async with asyncio.timeout(30):
            await self.task


class SseClient(RawClient):
    """A browser's EventSource."""

    status = 0

    async def next(self, *, beats: bool = False) -> Received | None:
        """Give the next message (without beats unless asked for), None at the end."""
        while True:
            while "\n\n" not in self._text:
                message = await self.raw()
                if message["type"] == "end" or (message["type"] == "http.response.body" and not message["more_body"]):
                    return None
                if message["type"] == "http.response.start":
                    self.status = message["status"]
                else:
                    self._text += message["body"].decode()
            block, _, self._text = self._text.partition("\n\n")
            fields = dict(line.split(": ", 1) for line in block.split("\n"))
            if "event" in fields and (beats or fields["event"] != "beat"):
                feed_id = int(fields["id"]) if "id" in fields else None
                return Received(fields["event"], feed_id, json.loads(fields["data"]))


def scope_of(kind: str, path: str, headers: Mapping[str, str]) -> dict[str, Any]:
    """Give the ASGI scope of a GET or of a socket upgrade."""
    path, _, query = path.partition("?")
    return {
        "type": kind,
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http" if kind == "http" else "ws",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in {"host": HOST, **headers}.items()],
        "client": ("10.0.0.9", 1234),
        "server": (HOST, 80),
        "subprotocols": [],
        "extensions": {"websocket.http.response": {}},
        "state": {},
    }


@pytest.fixture
async def listen(world: World) -> AsyncIterator[Callable[..., SseClient]]:
    """Give a function that opens an SSE stream with some headers; all are closed at the end."""
    opened: list[SseClient] = []

    def connect(headers: Mapping[str, str], path: str = "/v1/incidents/stream") -> SseClient:
        client = SseClient(world.app, scope_of("http", path, headers))
        opened.append(client)
        return client

    yield connect
    for client in opened:
        if not client.task.done():
            await client.leave()


async def take_changes(client: SseClient, count: int) -> list[Received]:
    """Take that many changes; anything else but hello on the way fails."""
    found: list[Received] = []
    while len(found) < count:
        message = await client.next()
        assert message is not None, "the stream ended"
        assert message.event in {"hello", "change"}, message
        if message.event == "change":
            found.append(message)
    return found
