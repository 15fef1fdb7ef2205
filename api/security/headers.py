"""Adds the security headers to every response, and turns what nobody caught into a 500 without internals."""

from __future__ import annotations

import traceback

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problem import INTERNAL, ProblemError, problem_response

# MapLibre's worker is a file of our own (the console's build sets its address): nothing needs blob:.
CSP = (
    "default-src 'self'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}

#: The console's files whose names change with their content.
ASSETS = "/console/assets/"

_log = structlog.get_logger(__name__)


class SecurityHeaders:
    """Outermost ASGI layer; `secure` adds Strict-Transport-Security (only behind HTTPS)."""

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self._app = app
        self._headers = {**HEADERS, **({"strict-transport-security": "max-age=31536000"} if secure else {})}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with our headers added to its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                self._add(MutableHeaders(scope=message), scope["path"], message["status"])
            await send(message)

        try:
            await self._app(scope, receive, with_headers)
        except Exception as error:  # noqa: BLE001 -- the outermost loop: one failed request must not show internals
            _log.error("request failed", path=scope["path"], method=scope["method"], traceback=_plain(error))
            if not started:
                failed = ProblemError(INTERNAL, "The failure was logged.")
                await problem_response(HTTPConnection(scope), failed)(scope, receive, with_headers)

    def _add(self, headers: MutableHeaders, path: str, status: int) -> None:
        for name, value in self._headers.items():
            headers.setdefault(name, value)
        lasting = status == 200 and path.startswith(ASSETS)
        headers.setdefault("cache-control", "public, max-age=31536000, immutable" if lasting else "no-store")


def _plain(error: Exception) -> str:
    """Give the traceback without the values of variables: they hold passwords and people's texts."""
    return "".join(traceback.format_exception(error))
