"""Incidents for readers: the list, one with everything behind it, and the live feed over SSE and WebSocket."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, WebSocket
from pydantic import ValidationError
from starlette.requests import HTTPConnection
from starlette.responses import Response

from api import orders, respond
from api.context import Context, Ctx, context_of
from api.feed import websocket
from api.feed.filter import Filter
from api.feed.sse import EventStream
from api.feed.stream import Stream
from api.problem import BAD_ORIGIN, TOO_MANY, ProblemError, busy, invalid, problem_response
from api.routes.filters import FeedFilter, ListFilter, PeriodFilter
from api.security.audit import Outcome, entry
from api.security.guard import Principal, Require, still_valid
from api.security.origin import own_origin
from api.security.roles import Permission
from api.shapes import EvidenceItem, IncidentDetail, IncidentList, OpenCounts, TimelineItem
from schemas.errors import BackpressureError
from schemas.events import Incident, Text
from schemas.store.abstract import IncidentQuery, Page

router = APIRouter(prefix="/v1/incidents", tags=["incidents"])
Reader = Annotated[Principal, Depends(Require(Permission.READ))]

_MANY_STREAMS = Text(vi="Quá nhiều luồng đang mở.", en="Too many open feeds.")


@router.get("", responses=respond.described(IncidentList), response_class=Response)
async def list_incidents(context: Ctx, reader: Reader, wanted: Annotated[ListFilter, Query()]) -> Response:
    """Give a page of incidents, newest update first, as JSON or GeoJSON (which is audited as an export)."""
    page = await context.store.incidents(wanted.query(reader.scope), wanted.limit, wanted.cursor)
    if wanted.format == "geojson":
        detail = {"count": str(len(page.items))}
        await context.store.audit(
            entry(context.clock(), reader.actor, "export", "incidents.geojson", Outcome.DONE, **detail)
        )
        return _geojson(page, context)
    body = IncidentList(items=page.items, next_cursor=page.cursor, feed_id=page.feed_id, as_of=context.clock())
    return respond.json(body)


@router.get("/counts", responses=respond.described(OpenCounts), response_class=Response)
async def counts(context: Ctx, reader: Reader, wanted: Annotated[PeriodFilter, Query()]) -> Response:
    """Count the reader's open incidents, with the list's filters but without its pages."""
    found = await context.store.incident_counts(wanted.query(reader.scope))
    body = OpenCounts(
        as_of=context.clock(),
        open=found.open,
        unacknowledged=found.unacknowledged,
        by_severity=dict(found.by_severity),
    )
    return respond.json(body)


@router.get("/stream", response_class=Response, responses={200: {"content": {"text/event-stream": {}}}})
async def stream(request: Request, context: Ctx, reader: Reader, wanted: Annotated[FeedFilter, Query()]) -> Response:
    """Send changes as they come (events hello, change, reset, beat), going on after Last-Event-ID or `since`."""
    since = request.headers.get("last-event-id") or wanted.since
    return EventStream(await _open(context, reader, wanted.query(reader.scope), since))


@router.websocket("/ws")
async def socket(socket: WebSocket) -> None:
    """Send the same messages over a WebSocket, as JSON {event, id?, data}."""
    context = await context_of(socket)
    try:
        opened = await _open_socket(socket, context)
    except ProblemError as error:
        await _deny(socket, error)
    else:
        await websocket.serve(socket, opened)


@router.get("/{incident_id}", responses=respond.described(IncidentDetail, 404), response_class=Response)
async def one_incident(incident_id: str, context: Ctx, reader: Reader) -> Response:
    """Give one incident with its timeline, its evidence, and what the reader may do now."""
    feed_id = await context.store.feed_head()  # before the incident: a stream from here repeats, never misses
    incident = await orders.find(context, reader, incident_id)
    timeline, evidence = await asyncio.gather(context.store.timeline(incident.id), context.store.evidence(incident.id))
    devices = await context.store.devices(sorted({signal.device for _, signal in evidence if signal.device}))
    titles = {device.id: device.title for device in devices}
    detail = IncidentDetail(
        incident=incident,
        timeline=[TimelineItem.of(step) for step in timeline],
        evidence=[
            EvidenceItem(link=link, signal=signal, device_title=titles.get(signal.device or "", ""))
            for link, signal in evidence
        ],
        actions=orders.actions(incident, reader),
        feed_id=feed_id,
        as_of=context.clock(),
    )
    return respond.json(detail)


async def _open(context: Context, reader: Principal, query: IncidentQuery, since: str | None) -> Stream:
    if context.broadcaster.open_of(reader.actor) >= context.config.limits.streams_each:
        raise ProblemError(TOO_MANY, _MANY_STREAMS, headers={"Retry-After": "5"})
    names = await context.registry.zone_names() if query.text else {}
    opened = Stream(
        broadcaster=context.broadcaster,
        actor=reader.actor,
        filter=Filter(query, names),
        since=since,
        config=context.config.feed,
        now_text=lambda: context.clock().isoformat(),
        still_valid=still_valid(reader, context),
    )
    await opened.open()
    return opened


async def _open_socket(socket: WebSocket, context: Context) -> Stream:
    by_key = "authorization" in socket.headers
    if not own_origin(socket, context.config.origins, required=not by_key):
        raise ProblemError(BAD_ORIGIN)
    reader = await Require(Permission.READ)(socket)
    try:
        wanted = FeedFilter.model_validate(_parameters(socket))
    except ValidationError as error:
        raise invalid(error.errors()) from error
    try:
        return await _open(context, reader, wanted.query(reader.scope), wanted.since)
    except BackpressureError as error:
        raise busy("The feed is not ready; try again.") from error


def _parameters(connection: HTTPConnection) -> dict[str, object]:
    lists = {"commune", "kind", "status", "agency"}
    given = connection.query_params
    return {name: given.getlist(name) if name in lists else given[name] for name in given}


async def _deny(socket: WebSocket, error: ProblemError) -> None:
    if "websocket.http.response" in socket.scope.get("extensions", {}):
        await socket.send_denial_response(problem_response(socket, error))
    else:
        await socket.close(websocket.POLICY)


def _geojson(page: Page, context: Context) -> Response:
    body: dict[str, Any] = {
        "type": "FeatureCollection",
        "features": [_feature(incident) for incident in page.items],
        "next_cursor": page.cursor,
        "feed_id": page.feed_id,
        "as_of": context.clock(),
    }
    return respond.json(body, headers={"Content-Type": "application/geo+json"})


def _feature(incident: Incident) -> dict[str, object]:
    placed = incident.lon is not None and incident.lat is not None
    geometry = {"type": "Point", "coordinates": [incident.lon, incident.lat]} if placed else None
    return {"type": "Feature", "id": incident.id, "geometry": geometry, "properties": incident}
