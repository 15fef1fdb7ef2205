"""Refuses writes and socket upgrades that a foreign page started (CSRF, cross-site WebSocket hijacking)."""

from __future__ import annotations

from hmac import compare_digest
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from api.problem import BAD_CSRF, BAD_ORIGIN, BAD_REQUEST, ProblemError, problem_response
from api.security.sessions import cookie_token
from schemas.events import Text
from schemas.store.security import Session

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
CSRF_HEADER = "x-csrf-token"

_FOREIGN = Text(vi="Yêu cầu đến từ trang khác.", en="The request comes from another site.")
_TOKEN = Text(
    vi="Thiếu hoặc sai X-CSRF-Token; hãy lấy lại bằng GET /v1/me.",
    en="X-CSRF-Token is missing or wrong; get it again from GET /v1/me.",
)


class OriginCheck:
    """ASGI layer: every write is looked at before its body is read."""

    def __init__(self, app: ASGIApp, *, origins: tuple[str, ...], secure: bool) -> None:
        self._app = app
        self._origins = origins
        self._secure = secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 403 (400 for U+0000 in a URL: no store has a place for it)."""
        if scope["type"] == "http" and (b"%00" in scope.get("query_string", b"") or "\x00" in scope["path"]):
            bad = ProblemError(BAD_REQUEST, "the URL holds U+0000")
            await problem_response(HTTPConnection(scope), bad)(scope, receive, send)
            return
        if scope["type"] == "http" and scope["method"] not in SAFE:
            connection = HTTPConnection(scope)
            by_cookie = "authorization" not in connection.headers and bool(
                cookie_token(connection, secure=self._secure)
            )
            if not own_origin(connection, self._origins, required=by_cookie):
                await problem_response(connection, ProblemError(BAD_ORIGIN, _FOREIGN))(scope, receive, send)
                return
        await self._app(scope, receive, send)


def own_origin(connection: HTTPConnection, origins: tuple[str, ...], *, required: bool) -> bool:
    """Say whether a request was started by our own pages or by a program.

    Browsers send Origin with every write and socket upgrade, and Sec-Fetch-Site with every request. `required` asks
    that one of them is there: a browser's cookie never comes without.
    """
    origin = connection.headers.get("origin")
    site = connection.headers.get("sec-fetch-site")
    if origin is not None:
        own = urlsplit(origin).netloc.lower() == connection.headers.get("host", "").lower()
        return origin in origins or (own and site in {None, "same-origin"})
    if site is not None:
        return site in {"same-origin", "none"}
    return not required


def check_csrf(connection: HTTPConnection, session: Session) -> None:
    """Raise ProblemError 403 when a write by cookie does not carry the session's token."""
    if not compare_digest(connection.headers.get(CSRF_HEADER, "").encode(), session.csrf.encode()):
        raise ProblemError(BAD_CSRF, _TOKEN)
