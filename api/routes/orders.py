"""What people order: acknowledge, assign, comment, resolve, close; each is one transaction with its audit line."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from api import respond
from api.context import Context, Ctx
from api.ingest.body import read_body
from api.orders import carry_out
from api.problem import INVALID, MEDIA_TYPE, ProblemError
from api.security.guard import Principal, Require
from api.security.roles import Permission
from api.shapes import ConflictBody, OrderBody, OrderDone

router = APIRouter(prefix="/v1/incidents/{incident_id}", tags=["orders"])

_decoder = msgspec.json.Decoder(OrderBody)


def _demand(permission: Permission) -> Any:  # FastAPI's Depends is typed Any
    return Depends(Require(permission, "orders"))


def _described() -> dict[str, Any]:
    answers = respond.described(OrderDone, 403, 404)
    schema = {"$ref": f"#/components/schemas/{ConflictBody.__name__}"}
    answers[409] = {"description": "Somebody else was first.", "content": {MEDIA_TYPE: {"schema": schema}}}
    body = {"schema": {"$ref": f"#/components/schemas/{OrderBody.__name__}"}}
    return {
        "responses": answers,
        "response_class": Response,
        "openapi_extra": {"requestBody": {"required": True, "content": {"application/json": body}}},
    }


@router.post("/ack", **_described())
async def ack(
    incident_id: str, request: Request, context: Ctx, who: Annotated[Principal, _demand(Permission.ACK)]
) -> Response:
    """Acknowledge: somebody has seen it and takes care."""
    return await _answer(context, who, incident_id, "ack", request)


@router.post("/assign", **_described())
async def assign(
    incident_id: str, request: Request, context: Ctx, who: Annotated[Principal, _demand(Permission.ASSIGN)]
) -> Response:
    """Assign to an agency, or to a person or team."""
    return await _answer(context, who, incident_id, "assign", request)


@router.post("/comment", **_described())
async def comment(
    incident_id: str, request: Request, context: Ctx, who: Annotated[Principal, _demand(Permission.COMMENT)]
) -> Response:
    """Write a line into the timeline."""
    return await _answer(context, who, incident_id, "comment", request)


@router.post("/resolve", **_described())
async def resolve(
    incident_id: str, request: Request, context: Ctx, who: Annotated[Principal, _demand(Permission.RESOLVE)]
) -> Response:
    """Say that the work is done."""
    return await _answer(context, who, incident_id, "resolve", request)


@router.post("/close", **_described())
async def close(
    incident_id: str, request: Request, context: Ctx, who: Annotated[Principal, _demand(Permission.CLOSE)]
) -> Response:
    """Close for good, after a look at what was done."""
    return await _answer(context, who, incident_id, "close", request)


async def _answer(context: Context, who: Principal, incident_id: str, action: str, request: Request) -> Response:
    body = await read_body(request, context.config.limits.form_bytes)
    try:
        order = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProblemError(INVALID, str(error), fix='send {"expected_version": ...} as JSON') from error
    return respond.json(await carry_out(context, who, incident_id, action, order))
