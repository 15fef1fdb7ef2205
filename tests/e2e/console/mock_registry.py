"""The registry half of the scripted server: devices with their charts, zones, sources, agencies and words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.e2e.console import mock_world as world

Json = dict[str, Any]


def now() -> datetime:
    return datetime.now(UTC)


def items(rows: list[Json]) -> JSONResponse:
    return JSONResponse({"items": rows, "as_of": world.stamp(now())})


async def devices(_: Request) -> Response:
    return items(world.devices(now()))


async def observations(request: Request) -> Response:
    query = request.query_params
    start, end = (datetime.fromisoformat(query[name]) for name in ("from", "to"))
    return JSONResponse(world.series(request.path_params["id"], query["metric"], start, end))


async def zones(_: Request) -> Response:
    return JSONResponse(world.zones())


async def sources(_: Request) -> Response:
    rows = [
        {
            "source": {"id": id_, "kind": kind, "format": "native", "title": title, "cadence_s": cadence},
            "last_observed_at": world.stamp(now() - timedelta(hours=3 if state == "silent" else 0)),
            "last_received_at": world.stamp(now()), "accepted": 1200, "refused": 3, "state": state,
        }
        for id_, title, kind, cadence, state in world.SOURCES
    ]  # fmt: skip
    return items(rows)


async def agencies(_: Request) -> Response:
    return items([{"id": id_, "name": name, "kind": "office"} for id_, name in world.AGENCIES])


async def kinds(_: Request) -> Response:
    return items([{"id": id_, "vi": vi, "en": en, "icon": ""} for id_, vi, en in world.KINDS])


async def metrics(_: Request) -> Response:
    return items([{"id": id_, "unit": unit, "vi": vi, "en": en} for id_, unit, vi, en in world.METRICS])


REGISTRY = [
    Route("/v1/devices", devices),
    Route("/v1/devices/{id}/observations", observations),
    Route("/v1/zones", zones),
    Route("/v1/sources", sources),
    Route("/v1/agencies", agencies),
    Route("/v1/kinds", kinds),
    Route("/v1/metrics", metrics),
]
