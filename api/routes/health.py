"""Whether the process lives and can serve: open to all, so they tell no more than that."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from starlette.responses import Response

from api import respond
from api.context import Context, Ctx
from api.shapes import HealthBody
from schemas.errors import BackpressureError

router = APIRouter(prefix="/health", tags=["health"])

#: A server that takes longer than this to say that it is well is not, in seconds.
PATIENCE_S = 2.0
#: The feed is late when its reader has not seen the store for this long, in seconds.
FEED_LAG_MAX_S = 15.0


@router.get("/live", responses={200: {"description": "The process answers."}}, response_class=Response)
async def live() -> Response:
    """Say that the process answers."""
    return respond.json(HealthBody(ready=True, reasons=[]))


@router.get("/ready", response_class=Response, responses={200: {}, 503: {"description": "Not ready; reasons inside."}})
async def ready(context: Ctx) -> Response:
    """Say whether database, broker and feed are there; 503 with reasons when one is not."""
    found = await asyncio.gather(_database(context), _broker(context))
    reasons = [reason for reason in (*found, _feed(context)) if reason]
    return respond.json(HealthBody(ready=not reasons, reasons=reasons), status=503 if reasons else 200)


async def _database(context: Context) -> str:
    try:
        async with asyncio.timeout(PATIENCE_S):
            health = await context.store.health()
    except (BackpressureError, TimeoutError):
        return "database: no answer"
    return "" if health.ready else "database: not ready"


async def _broker(context: Context) -> str:
    try:
        async with asyncio.timeout(PATIENCE_S):
            return "" if await context.publisher.healthy() else "broker: no answer"
    except (BackpressureError, TimeoutError):
        return "broker: no answer"


def _feed(context: Context) -> str:
    lag_s = context.broadcaster.lag_s
    return "feed: not read yet" if lag_s is None else "feed: late" if lag_s > FEED_LAG_MAX_S else ""
