"""The door of every route: who asks (cookie or key), may they, and not too often; routes say only what they demand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import HTTPConnection

from api.context import Context, context_of
from api.problem import FORBIDDEN, NOT_LOGGED_IN, WRONG_KEY, ProblemError
from api.security import keys, roles, scope
from api.security.audit import Outcome, entry
from api.security.origin import SAFE, check_csrf
from api.security.roles import Permission
from api.security.sessions import cookie_token, token_hash
from schemas.events import Text
from schemas.store.abstract import Scope
from schemas.store.security import Account, ApiKey, Session

_LOG_IN = Text(vi="Hãy đăng nhập.", en="Log in first.")
_BAD_KEY = Text(vi="Khóa sai, hết hạn hoặc đã bị thu hồi.", en="The key is wrong, expired or revoked.")


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: a person with a session, or a program with a key."""

    actor: str
    permissions: frozenset[Permission]
    scope: Scope
    session: Session | None = None
    account: Account | None = None
    key: ApiKey | None = None

    def may(self, permission: Permission) -> bool:
        """Say whether the role or key permits something."""
        return permission in self.permissions


class Require:
    """A route's demand, as a FastAPI dependency that gives the Principal.

    `permission` None asks only for a login. `rate` names the counter that the request falls under.
    """

    def __init__(self, permission: Permission | None, rate: str = "reads") -> None:
        self.permission = permission
        self.rate = rate

    async def __call__(self, connection: HTTPConnection) -> Principal:
        """Give who asks; raises ProblemError 401, 403 or 429."""
        context = await context_of(connection)
        principal = await authenticate(connection, context)
        if principal.session is not None and connection.scope.get("method", "GET") not in SAFE:
            check_csrf(connection, principal.session)
        await context.rates.take(self.rate, principal.actor)
        if self.permission is not None and not principal.may(self.permission):
            await self._refuse(connection, context, principal)
        return principal

    async def _refuse(self, connection: HTTPConnection, context: Context, principal: Principal) -> None:
        wanted = str(self.permission)
        if self.rate != "reads":  # reads that are refused change nothing and would flood the log
            subject = connection.url.path
            await context.store.audit(entry(context.clock(), principal.actor, wanted, subject, Outcome.REFUSED))
        text = Text(
            vi=f"Tài khoản hoặc khóa này không có quyền “{wanted}”.",
            en=f"This account or key has no permission “{wanted}”.",
        )
        raise ProblemError(FORBIDDEN, text, permission=wanted)


async def authenticate(connection: HTTPConnection, context: Context) -> Principal:
    """Give who asks; a key in Authorization goes before a cookie. Raises ProblemError 401."""
    header = connection.headers.get("authorization")
    if header is not None:
        return await _by_key(header, address_of(connection), context)
    token = cookie_token(connection, secure=context.config.cookie_secure)
    principal = await _by_session(token_hash(token), context) if token else None
    if principal is None:
        raise ProblemError(NOT_LOGGED_IN, _LOG_IN)
    return principal


def still_valid(principal: Principal, context: Context) -> Callable[[], Awaitable[bool]]:
    """Give what an open feed asks now and then: whether this reader may still see what it could see."""

    async def ask() -> bool:
        if principal.key is not None:
            key = await context.store.api_key(principal.key.key_id)
            return key == principal.key and keys.alive(key, context.clock())
        now = await _by_session(principal.session.token_hash, context) if principal.session else None
        return now is not None and (now.permissions, now.scope) == (principal.permissions, principal.scope)

    return ask


def address_of(connection: HTTPConnection) -> str:
    """Give the caller's address (uvicorn has put the real one there when a trusted proxy told it)."""
    return connection.client.host if connection.client else "unknown"


async def _by_session(digest: bytes, context: Context) -> Principal | None:
    session = await context.store.session(digest)
    if session is None or session.expires_at <= context.clock():
        return None
    account = await context.store.account(session.account)
    if account is None or not account.enabled:
        return None
    return Principal(
        actor=account.name,
        permissions=roles.of_role(account.role),
        scope=scope.of_account(account),
        session=session,
        account=account,
    )


async def _by_key(header: str, address: str, context: Context) -> Principal:
    method, _, text = header.partition(" ")
    key_id, secret = keys.split_key(text.strip()) if method.lower() == "bearer" else ("", "")
    await context.rates.check("key", address, key_id)
    key = await context.store.api_key(key_id) if key_id else None
    if not keys.usable(key, secret, context.clock()) or key is None:
        if await context.rates.failed("key", address, key_id):
            refused = entry(context.clock(), f"key:{key_id}", "key", address, Outcome.REFUSED)
            await context.store.audit(refused)
        raise ProblemError(WRONG_KEY, _BAD_KEY, headers={"WWW-Authenticate": "Bearer"})
    return Principal(actor=f"key:{key.key_id}", permissions=roles.of_key(key.scopes), scope=scope.of_key(key), key=key)
