"""Makes and reads the browser's login: a random token in a cookie, its SHA-256 in the store."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from starlette.requests import HTTPConnection
from starlette.responses import Response

from schemas.store.security import Session

_NAME = "canh_session"


def new_session(account: str, now: datetime, life_s: float) -> tuple[Session, str]:
    """Give a session to store and the token for the cookie (256 random bits, never stored)."""
    token = secrets.token_urlsafe(32)
    session = Session(
        token_hash=token_hash(token),
        account=account,
        csrf=secrets.token_urlsafe(32),
        created_at=now,
        expires_at=now + timedelta(seconds=life_s),
    )
    return session, token


def token_hash(token: str) -> bytes:
    """Give what the store knows of a token (it has 256 random bits: a slow hash adds nothing)."""
    return hashlib.sha256(token.encode()).digest()


def cookie_name(*, secure: bool) -> str:
    """Give the cookie's name: `__Host-` binds it to this host over HTTPS (RFC 6265bis)."""
    return f"__Host-{_NAME}" if secure else _NAME


def cookie_token(connection: HTTPConnection, *, secure: bool) -> str | None:
    """Give the token that a request carries, None when it has none."""
    return connection.cookies.get(cookie_name(secure=secure))


def set_cookie(response: Response, token: str, life_s: float, *, secure: bool) -> None:
    """Put the token into the browser: not readable by scripts, never sent from other sites."""
    response.set_cookie(
        cookie_name(secure=secure),
        token,
        max_age=int(life_s),
        path="/",
        secure=secure,
        httponly=True,
        samesite="strict",
    )


def clear_cookie(response: Response, *, secure: bool) -> None:
    """Take the token out of the browser."""
    response.delete_cookie(cookie_name(secure=secure), path="/", secure=secure, httponly=True, samesite="strict")
