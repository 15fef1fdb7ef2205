"""A scripted server that speaks the HTTP contract, for tests of the page alone.

`python -m tests.e2e.console.mock_api PORT [--incidents N] [--beat SECONDS]`. Beyond the contract it takes the orders of
a test under /mock/.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from schemas.text import fold
from tests.e2e.console import mock_world as world
from tests.e2e.console.mock_registry import REGISTRY, now

Json = dict[str, Any]
DIST = Path(__file__).resolve().parents[3] / "api" / "console" / "dist"
USER, PASSWORD, CSRF, COOKIE = "truc", "canh-gac-dem", "csrf-of-the-test", "canh_session"
#: The policy that the page must live with: nothing inline, nothing from outside, no blob: and no data: scripts.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
ACTIONS = {
    "new": ["ack", "assign", "comment", "resolve"], "acknowledged": ["assign", "comment", "resolve"],
    "assigned": ["assign", "comment", "resolve"], "resolved": ["comment", "close"], "closed": ["comment"],
}  # fmt: skip
BECOMES = {"ack": "acknowledged", "assign": "assigned", "resolve": "resolved", "close": "closed"}
CHANGES = {
    "ack": "acknowledged",
    "assign": "assigned",
    "comment": "commented",
    "resolve": "resolved",
    "close": "closed",
}
SESSION: Json = {
    "name": USER, "display_name": "Trần Thị Trực", "role": "supervisor", "agency": None, "communes": None,
    "csrf": CSRF, "language": "vi",
}  # fmt: skip


@dataclass
class State:
    """Everything that the mock knows."""

    incidents: dict[str, Json] = field(default_factory=dict)
    log: list[Json] = field(default_factory=list)
    oldest: int = 0
    signed_in: bool = False
    beats: bool = True
    beat_s: float = 1.0
    lag_s: float = 0.2
    #: Answer the next order as if somebody else had been faster.
    rival: Json | None = None
    open_streams: set[asyncio.Queue[Json | None]] = field(default_factory=set)
    refuse_streams: bool = False

    @property
    def head(self) -> int:
        """The newest feed id."""
        return self.log[-1]["feed_id"] if self.log else 0

    def record(self, incident: Json, change: str, actor: str, **detail: Any) -> Json:
        """Take a new state of an incident with one change, and tell all streams."""
        self.incidents[incident["id"]] = incident
        step = world.change_of(incident, change, actor, now(), **detail)
        entry = {"feed_id": self.head + 1, "recorded_at": world.stamp(now()), "change": step, "incident": incident}
        self.log.append(entry)
        for stream in self.open_streams:
            stream.put_nowait(entry)
        return entry


def seed(count: int) -> State:
    """Give a state with `count` incidents, each with its history."""
    state = State()
    start = now()
    for number in reversed(range(count)):
        incident = world.incident(number, start)
        opened = datetime.fromisoformat(incident["opened_at"])
        rule = f"rule:{incident['kind'].replace('.', '-')}"
        _, _, _, _, _, metric, value, threshold = world.SCRIPTS[number % len(world.SCRIPTS)]
        state.record({**incident, "version": 1, "status": "new"}, "opened", rule, device=world.device_of(0))
        state.log[-1]["change"]["at"] = incident["opened_at"]
        state.record(
            {**incident, "version": 2, "status": "new"}, "signal", rule, device=world.device_of(0), metric=metric,
            value=value, threshold=threshold, distance_m=140.0, delay_s=11.0,
        )  # fmt: skip
        if incident["status"] == "new":
            state.incidents[incident["id"]] = {**incident, "version": 2}
        else:
            state.record(incident, incident["status"], "Lê Văn Gác", agency=incident["agency"])
        for entry in state.log[-2:]:
            entry["change"]["at"] = world.stamp(opened.replace(microsecond=0))
    return state


def problem(status: int, title: str, **more: Any) -> JSONResponse:
    body = {"type": "about:blank", "title": title, "status": status, "detail": title, **more}
    return JSONResponse(body, status, media_type="application/problem+json")


class Guard(BaseHTTPMiddleware):
    """Sets the security policy; asks for a session everywhere but at the door; asks for the CSRF token on writes."""

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        """Let a request pass or refuse it."""
        state: State = request.app.state.world
        path = request.url.path
        door = path in {"/v1/session", "/health/live"} or not path.startswith("/v1")
        if not door and not (state.signed_in and request.cookies.get(COOKIE) == "yes"):
            return problem(401, "no session")
        write = request.method == "POST" and path.startswith("/v1/incidents")
        if write and request.headers.get("x-csrf-token") != CSRF:
            return problem(403, "csrf token missing")
        response = await call_next(request)
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


async def session(request: Request) -> Response:
    state: State = request.app.state.world
    if request.method == "DELETE":
        state.signed_in = False
        return Response(status_code=204)
    body = await request.json()
    if (body["name"], body["password"]) != (USER, PASSWORD):
        return problem(401, "wrong name or password")
    state.signed_in = True
    response = JSONResponse(SESSION)
    response.set_cookie(COOKIE, "yes", httponly=True, samesite="strict")
    return response


async def me(_: Request) -> Response:
    return JSONResponse(SESSION)


async def incidents(request: Request) -> Response:
    state: State = request.app.state.world
    query = request.query_params
    found = sorted(state.incidents.values(), key=lambda one: (one["opened_at"], one["id"]), reverse=True)
    statuses, kinds = query.getlist("status"), query.getlist("kind")
    least, words = int(query.get("severity_min", 1)), fold(query.get("q", "")).split()
    names = {code: name for name, code, _, _ in world.PLACES}

    def fits(one: Json) -> bool:
        text = fold(f"{one['id']} {one['title']['vi']} {one['title']['en']} {names.get(one['commune'], '')}")
        return (
            one["severity"] >= least
            and (not statuses or one["status"] in statuses)
            and (not kinds or one["kind"] in kinds)
            and all(word in text for word in words)
        )

    found = [one for one in found if fits(one)]
    start, limit = int(query.get("cursor") or 0), int(query.get("limit", 100))
    more = str(start + limit) if start + limit < len(found) else None
    page = found[start : start + limit]
    return JSONResponse({"items": page, "next_cursor": more, "feed_id": state.head, "as_of": world.stamp(now())})


async def counts(request: Request) -> Response:
    state: State = request.app.state.world
    waiting = [one for one in state.incidents.values() if one["status"] not in {"resolved", "closed"}]
    by_severity = {str(level): sum(one["severity"] == level for one in waiting) for level in range(1, 6)}
    fresh = sum(one["status"] == "new" for one in waiting)
    body = {"as_of": world.stamp(now()), "open": len(waiting), "unacknowledged": fresh, "by_severity": by_severity}
    return JSONResponse(body)


async def incident(request: Request) -> Response:
    state: State = request.app.state.world
    one = state.incidents.get(request.path_params["id"])
    if one is None:
        return problem(404, "no such incident")
    timeline = [
        {key: entry[key] for key in ("feed_id", "recorded_at", "change")}
        for entry in state.log
        if entry["change"]["incident"] == one["id"]
    ]
    return JSONResponse({
        "incident": one, "timeline": timeline, "evidence": world.evidence_of(one), "actions": ACTIONS[one["status"]],
        "feed_id": state.head, "as_of": world.stamp(now()),
    })  # fmt: skip


async def order(request: Request) -> Response:
    state: State = request.app.state.world
    one, action = state.incidents[request.path_params["id"]], request.path_params["action"]
    body = await request.json()
    if state.rival is not None:
        rival, state.rival = state.rival, None
        state.record({**one, **rival["state"], "version": one["version"] + 1}, rival["change"], rival["actor"])
        one = state.incidents[one["id"]]
    expected = body["expected_version"]
    if expected != one["version"]:
        since = [entry["change"] for entry in state.log if entry["change"]["incident"] == one["id"]]
        since = [change for change in since if change["version"] > expected]
        more = {"incident": one, "expected_version": expected, "actual_version": one["version"], "changes": since}
        return problem(409, "the incident has changed", **more)
    if action not in ACTIONS[one["status"]]:
        return problem(422, f"allowed now: {', '.join(ACTIONS[one['status']])}")
    after = {
        **one,
        "version": one["version"] + 1,
        "status": BECOMES.get(action, one["status"]),
        "updated_at": world.stamp(now()),
    }
    after |= {key: body[key] for key in ("agency", "assignee") if body.get(key)}
    detail = {key: body[key] for key in ("text", "agency", "assignee") if body.get(key)}
    entry = state.record(after, CHANGES[action], SESSION["display_name"], **detail)
    return JSONResponse({"incident": after, "feed_id": entry["feed_id"]})


def message(event: str, data: Json, id_: int | None = None) -> str:
    head = "" if id_ is None else f"id: {id_}\n"
    return f"{head}event: {event}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


async def stream(request: Request) -> Response:
    state: State = request.app.state.world
    if state.refuse_streams:
        return problem(503, "not now")
    since = int(request.headers.get("last-event-id") or request.query_params.get("since") or state.head)
    return StreamingResponse(feed(state, since), media_type="text/event-stream", headers={"Cache-Control": "no-store"})


async def feed(state: State, since: int) -> AsyncIterator[str]:
    """Say hello, tell what was missed, then everything as it comes, with a beat now and then."""
    queue: asyncio.Queue[Json | None] = asyncio.Queue()
    state.open_streams.add(queue)
    try:
        resumed = since >= state.oldest
        hello = {"feed_id": state.head, "oldest": state.oldest, "server_time": world.stamp(now()), "resumed": resumed}
        yield "retry: 500\n" + message("hello", hello)
        if not resumed:
            yield message("reset", {"reason": "too_old", "feed_id": state.head})
        for missed in [entry for entry in state.log if resumed and entry["feed_id"] > since]:
            yield message("change", missed, missed["feed_id"])
        while True:
            try:
                entry: Json | None = await asyncio.wait_for(queue.get(), state.beat_s)
            except TimeoutError:
                if state.beats:
                    yield message(
                        "beat", {"feed_id": state.head, "server_time": world.stamp(now()), "lag_s": state.lag_s}
                    )
                continue
            if entry is None:
                return
            if "event" in entry:
                yield message(entry["event"], entry["data"])
            else:
                yield message("change", entry, entry["feed_id"])
    finally:
        state.open_streams.discard(queue)


def _open(state: State, body: Json) -> None:
    fresh = {"status": "new", "version": 1, "opened_at": world.stamp(now()), **body}
    state.record(world.incident(len(state.incidents), now(), **fresh), "opened", "rule:test")


def _change(state: State, body: Json) -> None:
    one = state.incidents[body["id"]]
    after = {**one, **body.get("state", {}), "version": one["version"] + 1}
    state.record(after, body["change"], body["actor"], **body.get("detail", {}))


def _cut(state: State, body: Json) -> None:
    state.refuse_streams = body.get("refuse", False)
    for queue in state.open_streams:
        queue.put_nowait(None)


def _tell(state: State, event: str, data: Json) -> None:
    for queue in state.open_streams:
        queue.put_nowait({"event": event, "data": data})


SCRIPT: dict[str, Callable[[State, Json], None]] = {
    "open": _open,
    "change": _change,
    "cut": _cut,
    "rival": lambda state, body: setattr(state, "rival", body),
    "beats": lambda state, body: setattr(state, "beats", body["on"]),
    "lag": lambda state, body: setattr(state, "lag_s", body["s"]),
    "forget": lambda state, _: setattr(state, "oldest", state.head + 1),
    "reset": lambda state, _: _tell(state, "reset", {"reason": "test", "feed_id": state.head}),
    "gone": lambda state, body: _tell(
        state,
        "change",
        {"feed_id": state.head, "recorded_at": world.stamp(now()), "change": None, "incident": {**body, "gone": True}},
    ),
    "expire": lambda state, _: setattr(state, "signed_in", False),
}


async def script(request: Request) -> Response:
    """Carry out an order of the test."""
    state: State = request.app.state.world
    SCRIPT[request.path_params["what"]](state, await request.json())
    return JSONResponse({"head": state.head, "streams": len(state.open_streams), "incidents": len(state.incidents)})


async def index(_: Request) -> Response:
    return FileResponse(DIST / "index.html")


ROUTES = [
    Route("/", index),
    Route("/health/live", index),
    Route("/mock/{what}", script, methods=["POST"]),
    Route("/v1/session", session, methods=["POST", "DELETE"]),
    Route("/v1/me", me),
    Route("/v1/incidents", incidents),
    Route("/v1/incidents/stream", stream),
    Route("/v1/incidents/counts", counts),
    Route("/v1/incidents/{id}", incident),
    Route("/v1/incidents/{id}/{action}", order, methods=["POST"]),
    *REGISTRY,
    Mount("/console", StaticFiles(directory=DIST)),
]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--incidents", type=int, default=42)
    parser.add_argument("--beat", type=float, default=1.0)
    arguments = parser.parse_args()
    app = Starlette(routes=ROUTES)
    app.add_middleware(Guard)
    app.state.world = seed(arguments.incidents)
    app.state.world.beat_s = arguments.beat
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.run(app, host="127.0.0.1", port=arguments.port, log_level="warning")


if __name__ == "__main__":
    main()
