"""Events over HTTP: POST /v1/ingest/{source} answers 2xx only when the broker has them (G1)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from api import respond
from api.context import Context, Ctx
from api.ingest.body import read_unpacked
from api.ingest.door import Door, IngestResult, deliver
from api.ingest.headers import record_headers
from api.ingest.split import split
from api.problem import BAD_REQUEST, FORBIDDEN, MEDIA_TYPE, NOT_FOUND, ProblemError, busy
from api.security.guard import Principal, Require
from api.security.roles import Permission
from api.security.scope import ANY_SOURCE
from api.shapes import NothingTakenBody
from schemas.errors import BackpressureError
from schemas.events import Source

router = APIRouter(prefix="/v1", tags=["ingest"])
Sender = Annotated[Principal, Depends(Require(Permission.INGEST, "ingest"))]

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "One event, a JSON array, NDJSON or XML; Content-Encoding gzip is understood.",
        "content": {name: {} for name in ("application/json", "application/x-ndjson", "application/xml")},
    }
}


_NOTHING = {"schema": {"$ref": f"#/components/schemas/{NothingTakenBody.__name__}"}}
_ANSWERS = respond.described(
    IngestResult,
    403,
    404,
    413,
    415,
    status=202,
    meaning="The broker has all items that are accepted; those refused are among the dead letters and say why.",
)
_ANSWERS[400] = {
    "description": "Nothing could be taken: the body cannot be read, or every item is refused (`items` says why; the "
    "dead letters have them). Sending it again unchanged changes nothing.",
    "content": {MEDIA_TYPE: _NOTHING},
}


@router.post(
    "/ingest/{source_id}",
    status_code=202,
    responses=_ANSWERS,
    response_class=Response,
    openapi_extra=_BODY,
)
async def ingest(source_id: str, request: Request, context: Ctx, sender: Sender) -> Response:
    """Take events of a registered source: 202 with each item's result once the broker has all that is good.

    When no item is good the answer is 400, with the same results in it.
    """
    source = await _source(context, sender, source_id)
    limits = context.config.limits
    headers = record_headers(request.headers)
    body = await read_unpacked(request, limits)
    records = split(body, source.format, request.headers.get("content-type", ""), limits.items)
    judged = await Door(source, headers, context.check, limits.record_bytes).sort(records, context.clock())
    try:
        await deliver(judged, context.store, context.publisher)
    except BackpressureError as error:
        raise busy("The broker or the database does not answer; send all of it again.") from error
    result = judged.result()
    context.meters.ingested.labels(source.id, "accepted").inc(result.accepted)
    context.meters.ingested.labels(source.id, "refused").inc(result.refused)
    if not result.accepted:
        raise _nothing_taken(result)
    return respond.json(result, status=202)


async def _source(context: Context, sender: Principal, source_id: str) -> Source:
    allowed = sender.key is None or not {source_id, ANY_SOURCE}.isdisjoint(sender.key.sources)
    source = (await context.registry.sources()).get(source_id) if allowed else None
    if source is None:
        raise ProblemError(NOT_FOUND, "no such source for this key", field="source")
    if not source.enabled:
        raise ProblemError(FORBIDDEN, "this source is switched off", field="source", fix="canh source enable")
    return source


def _nothing_taken(result: IngestResult) -> ProblemError:
    first = result.items[0]
    return ProblemError(
        BAD_REQUEST,
        first.message or first.reason,
        reason=first.reason,
        field=first.field,
        accepted=0,
        refused=result.refused,
        items=result.items,
    )
