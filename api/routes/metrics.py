"""Prometheus metrics of this process, for keys with the scope metrics (and engineers).

Where the request comes from opens nothing: behind a plain proxy on the same machine everybody comes from loopback.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.responses import Response

from api.context import Ctx
from api.security.guard import Principal, Require
from api.security.roles import Permission

router = APIRouter(tags=["metrics"])
Scraper = Annotated[Principal, Depends(Require(Permission.METRICS))]


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(context: Ctx, scraper: Scraper) -> Response:
    """Give the exposition text."""
    del scraper
    return Response(context.meters.text(), media_type=CONTENT_TYPE_LATEST)
