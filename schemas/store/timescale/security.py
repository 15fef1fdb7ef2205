"""Accounts, sessions, keys and the audit log in the database."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import msgspec

from schemas.store.chain import digest, link
from schemas.store.content import storable
from schemas.store.security import Account, ApiKey, AuditEntry, Session
from schemas.store.timescale.audit import append_audit
from schemas.store.timescale.pool import Pooled
from schemas.store.timescale.statements import Row, run

_detail = msgspec.json.Decoder(dict[str, str])


class Security(Pooled):
    """The role `SecurityStore`."""

    async def account(self, name: str) -> Account | None:
        """Give one account by its name (compared in lower case)."""
        rows = await self.rows("accounts", {"name": storable(name.lower())})
        return _account(rows[0]) if rows else None

    async def accounts(self) -> list[Account]:
        """Give all accounts."""
        return [_account(row) for row in await self.rows("accounts", {"name": None})]

    async def put_account(self, account: Account, audit: Sequence[AuditEntry] = ()) -> None:
        """Create or change an account; its name is kept in lower case; sessions end when its rights change."""
        async with self.transaction() as connection:
            await run(connection, "put_account", _plain(account) | {"name": account.name.lower()})
            await append_audit(connection, audit)

    async def session(self, token_hash: bytes) -> Session | None:
        """Give a session that has not expired."""
        rows = await self.rows("session", {"token_hash": token_hash})
        return Session(*rows[0]) if rows else None

    async def put_session(self, session: Session) -> None:
        """Remember a session."""
        await self.rows("put_session", _plain(session))

    async def drop_session(self, token_hash: bytes) -> None:
        """Forget a session."""
        await self.rows("drop_session", {"token_hash": token_hash})

    async def api_key(self, key_id: str) -> ApiKey | None:
        """Give one API key."""
        rows = await self.rows("api_keys", {"key_id": storable(key_id)})
        return _api_key(rows[0]) if rows else None

    async def api_keys(self) -> list[ApiKey]:
        """Give all API keys, oldest first."""
        return [_api_key(row) for row in await self.rows("api_keys", {"key_id": None})]

    async def put_api_key(self, key: ApiKey, audit: Sequence[AuditEntry] = ()) -> None:
        """Create or change an API key."""
        async with self.transaction() as connection:
            await run(connection, "put_api_key", _plain(key))
            await append_audit(connection, audit)

    async def audit(self, entry: AuditEntry) -> None:
        """Append one entry to the chain."""
        async with self.transaction() as connection:
            await append_audit(connection, [entry])

    async def audit_log(self, limit: int = 100, before: int | None = None) -> list[tuple[int, AuditEntry]]:
        """Give audit entries with their sequence numbers, newest first."""
        rows = await self.rows("audit_log", {"limit": limit, "before": before})
        return [(row[0], _entry(row[1:])) for row in rows]

    async def audit_broken_at(self) -> int | None:
        """Verify the hash chain; give the first sequence number that does not fit, None when whole."""
        seq, hash_ = 0, b""
        async with self.transaction() as connection:
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            ((last, head),) = await run(connection, "audit_head")
            while rows := await run(connection, "audit_lines", {"after": seq}):
                for found, *entry, key, hash_found in rows:
                    seq, hash_ = seq + 1, link(hash_, seq + 1, key)
                    if found != seq or digest(_entry(entry)) != key or hash_ != hash_found:
                        return seq
        if seq < last:
            return seq + 1  # lines were cut off at the end
        return None if seq == last and hash_ == head else seq


def _plain(record: Account | Session | ApiKey) -> dict[str, Any]:
    given = {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}


def _account(row: Row) -> Account:
    name, role, password_hash, display_name, agency, communes, enabled = row
    return Account(name, role, password_hash, display_name, agency, tuple(communes), enabled)


def _api_key(row: Row) -> ApiKey:
    key_id, secret_hash, title, scopes, sources, *times = row
    return ApiKey(key_id, secret_hash, title, tuple(scopes), tuple(sources), *times)


def _entry(row: Row | list[Any]) -> AuditEntry:
    at, actor, action, subject, outcome, detail = row
    return AuditEntry(at, actor, action, subject, outcome, _detail.decode(detail))
