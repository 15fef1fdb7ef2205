"""Prometheus metrics of this process: for a key with scope metrics, or a program on the same machine."""

from __future__ import annotations

import ipaddress

from fastapi import APIRouter, Request
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.responses import Response

from api.context import Ctx
from api.security.guard import Require, address_of
from api.security.roles import Permission

router = APIRouter(tags=["metrics"])
_require = Require(Permission.METRICS)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(request: Request, context: Ctx) -> Response:
    """Give the exposition text."""
    if not _is_local(request):
        await _require(request)
    return Response(context.meters.text(), media_type=CONTENT_TYPE_LATEST)


def _is_local(request: Request) -> bool:
    """Say whether a program on this machine asks; a proxy on it, which tells whom it speaks for, does not count."""
    if any(name in request.headers for name in ("forwarded", "x-forwarded-for", "x-real-ip", "via")):
        return False
    try:
        return ipaddress.ip_address(address_of(request)).is_loopback
    except ValueError:
        return False
