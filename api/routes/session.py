"""Login and logout of people: POST, DELETE /v1/session and GET /v1/me."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from api import respond
from api.context import Context, Ctx
from api.ingest.body import read_body
from api.problem import INVALID, NOT_LOGGED_IN, WRONG_LOGIN, ProblemError
from api.security import sessions
from api.security.audit import Outcome, entry
from api.security.guard import Principal, Require, address_of
from api.shapes import Login, Me
from schemas.errors import PoisonMessageError
from schemas.events import Text
from schemas.store.security import Account, Session
from schemas.text import clean

router = APIRouter(prefix="/v1", tags=["session"])
Anyone = Annotated[Principal, Depends(Require(None))]

_login = msgspec.json.Decoder(Login)
_WRONG = Text(vi="Tên hoặc mật khẩu không đúng.", en="The name or the password is wrong.")
#: Longer ones are no names and passwords of people, and would be work for argon2.
NAME_BYTES, PASSWORD_BYTES = 100, 1024

_LOGIN_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Login"}}},
    }
}


@router.post("/session", responses=respond.described(Me), response_class=Response, openapi_extra=_LOGIN_BODY)
async def log_in(request: Request, context: Ctx) -> Response:
    """Log a person in: gives the session's cookie and the CSRF token."""
    given = await _read(request, context)
    address, name = address_of(request), given.name.lower()
    await context.rates.check("login", address, name)
    await context.rates.check("address", address)
    account = await context.store.account(name)
    right = await context.passwords.check(given.password, account.password_hash if account else None)
    if account is None or not right or not account.enabled:
        await _note_failure(context, address, name)
        raise ProblemError(WRONG_LOGIN, _WRONG)
    await context.rates.forgive("login", address, name)
    return await _welcome(context, account, address)


@router.delete("/session", status_code=204, response_class=Response)
async def log_out(request: Request, context: Ctx, who: Anyone) -> Response:
    """Log out: the session is forgotten, its open feeds end within seconds."""
    del request
    if who.session is not None:
        await context.store.drop_session(who.session.token_hash)
        await context.store.audit(entry(context.clock(), who.actor, "logout", who.actor, Outcome.DONE))
    response = Response(status_code=204)
    sessions.clear_cookie(response, secure=context.config.cookie_secure)
    return response


@router.get("/me", responses=respond.described(Me), response_class=Response)
async def me(context: Ctx, who: Anyone) -> Response:
    """Give who is logged in, with the CSRF token."""
    if who.session is None or who.account is None:
        raise ProblemError(NOT_LOGGED_IN, "a key is nobody's session")
    return respond.json(_me(context, who.account, who.session))


async def _read(request: Request, context: Context) -> Login:
    try:
        given = _login.decode(await read_body(request, context.config.limits.form_bytes))
        clean(given.password, "password", limit_bytes=PASSWORD_BYTES)
        return Login(name=clean(given.name, "name", limit_bytes=NAME_BYTES).strip(), password=given.password)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ProblemError(INVALID, str(error), fix='send {"name": "...", "password": "..."}') from error
    except PoisonMessageError as error:
        raise ProblemError(INVALID, str(error), field=error.field) from error


async def _note_failure(context: Context, address: str, name: str) -> None:
    await context.rates.failed("address", address)
    await context.rates.failed("login", address, name)
    await context.store.audit(entry(context.clock(), name, "login", address, Outcome.REFUSED))


async def _welcome(context: Context, account: Account, address: str) -> Response:
    config = context.config
    session, token = sessions.new_session(account.name, context.clock(), config.session_s)
    await context.store.put_session(session)
    await context.store.audit(entry(context.clock(), account.name, "login", address, Outcome.DONE))
    response = respond.json(_me(context, account, session))
    sessions.set_cookie(response, token, config.session_s, secure=config.cookie_secure)
    return response


def _me(context: Context, account: Account, session: Session) -> Me:
    return Me(
        name=account.name,
        display_name=account.display_name or account.name,
        role=account.role,
        agency=account.agency,
        communes=account.communes,
        csrf=session.csrf,
        language=context.config.language,
    )
