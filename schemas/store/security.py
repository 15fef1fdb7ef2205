"""Accounts, sessions, keys and the audit log: their records, and what every store promises of them (G8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Account:
    """A person who may log in; `role` is one of viewer, operator, supervisor, field, engineer, admin."""

    name: str
    role: str
    password_hash: str
    display_name: str = ""
    agency: str | None = None
    communes: tuple[str, ...] = ()
    enabled: bool = True

    @property
    def rights(self) -> tuple[object, ...]:
        """Give what a session stands on: when any of it changes, sessions end."""
        return self.password_hash, self.role, self.agency, self.communes, self.enabled


@dataclass(frozen=True, slots=True)
class Session:
    """A browser's login; `token_hash` is SHA-256 of the cookie's token, `csrf` the token that writes must carry."""

    token_hash: bytes
    account: str
    csrf: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key of a program or device; only the SHA-256 of the secret is kept. `sources` empty: none may be written."""

    key_id: str
    secret_hash: bytes
    title: str
    scopes: tuple[str, ...]
    sources: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the append-only, hash-chained audit log: who did what to which thing, and how it ended."""

    at: datetime
    actor: str
    action: str
    subject: str
    outcome: str
    detail: Mapping[str, str] = field(default_factory=dict)


class SecurityStore(Protocol):
    """Accounts, sessions, keys, audit."""

    async def account(self, name: str) -> Account | None:
        """Give one account by its name (compared in lower case)."""

    async def accounts(self) -> list[Account]:
        """Give all accounts."""

    async def put_account(self, account: Account, audit: Sequence[AuditEntry] = ()) -> None:
        """Create or change an account, and log it, in one transaction.

        When its password, role, agency, communes or `enabled` change, its sessions end with the same transaction.
        """

    async def session(self, token_hash: bytes) -> Session | None:
        """Give a session that has not expired by the server's own knowledge of it."""

    async def put_session(self, session: Session) -> None:
        """Remember a session."""

    async def drop_session(self, token_hash: bytes) -> None:
        """Forget a session (logout, revocation)."""

    async def api_key(self, key_id: str) -> ApiKey | None:
        """Give one API key."""

    async def api_keys(self) -> list[ApiKey]:
        """Give all API keys, oldest first."""

    async def put_api_key(self, key: ApiKey, audit: Sequence[AuditEntry] = ()) -> None:
        """Create or change an API key, and log it, in one transaction."""

    async def audit(self, entry: AuditEntry) -> None:
        """Append one entry to the chain."""

    async def audit_log(self, limit: int = 100, before: int | None = None) -> list[tuple[int, AuditEntry]]:
        """Give audit entries with their sequence numbers, newest first."""

    async def audit_broken_at(self) -> int | None:
        """Verify the hash chain; give the first sequence number that does not fit, None when whole."""
