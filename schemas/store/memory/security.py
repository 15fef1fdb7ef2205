"""Accounts, sessions, keys and the audit log in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from schemas.store.chain import clean, digest, link
from schemas.store.memory.tables import Rooted, now
from schemas.store.security import Account, ApiKey, AuditEntry, Session


class Security(Rooted):
    """The role `SecurityStore`."""

    async def account(self, name: str) -> Account | None:
        """Give one account by its name (compared in lower case)."""
        return self.tables.account.get(name.lower())

    async def accounts(self) -> list[Account]:
        """Give all accounts."""
        return [account for _, account in sorted(self.tables.account.items())]

    async def put_account(self, account: Account, audit: Sequence[AuditEntry] = ()) -> None:
        """Create or change an account; its name is kept in lower case; sessions end when its rights change."""
        name = account.name.lower()
        before = self.tables.account.get(name)
        self.tables.account[name] = replace(account, name=name)
        if before is not None and before.rights != account.rights:
            for token in [token for token, session in self.tables.session.items() if session.account == name]:
                del self.tables.session[token]
        for entry in audit:
            await self.audit(entry)

    async def session(self, token_hash: bytes) -> Session | None:
        """Give a session that has not expired."""
        session = self.tables.session.get(token_hash)
        return session if session is not None and session.expires_at > now() else None

    async def put_session(self, session: Session) -> None:
        """Remember a session, forget those that expired."""
        for old in [key for key, held in self.tables.session.items() if held.expires_at <= now()]:
            del self.tables.session[old]
        self.tables.session[session.token_hash] = session

    async def drop_session(self, token_hash: bytes) -> None:
        """Forget a session."""
        self.tables.session.pop(token_hash, None)

    async def api_key(self, key_id: str) -> ApiKey | None:
        """Give one API key."""
        return self.tables.api_key.get(key_id)

    async def api_keys(self) -> list[ApiKey]:
        """Give all API keys, oldest first."""
        return sorted(self.tables.api_key.values(), key=lambda key: (key.created_at, key.key_id))

    async def put_api_key(self, key: ApiKey, audit: Sequence[AuditEntry] = ()) -> None:
        """Create or change an API key."""
        self.tables.api_key[key.key_id] = key
        for entry in audit:
            await self.audit(entry)

    async def audit(self, entry: AuditEntry) -> None:
        """Append one entry to the chain, unless it is there already."""
        entry = clean(entry)
        key = digest(entry)
        if any(key == known for _, known, _ in self.tables.audit.values()):
            return
        seq = len(self.tables.audit) + 1
        before = self.tables.audit[seq - 1][2] if seq > 1 else b""
        self.tables.audit[seq] = (entry, key, link(before, seq, key))

    async def audit_log(self, limit: int = 100, before: int | None = None) -> list[tuple[int, AuditEntry]]:
        """Give audit entries with their sequence numbers, newest first."""
        found = [seq for seq in sorted(self.tables.audit, reverse=True) if before is None or seq < before]
        return [(seq, self.tables.audit[seq][0]) for seq in found[:limit]]

    async def audit_broken_at(self) -> int | None:
        """Verify the hash chain; give the first sequence number that does not fit, None when whole."""
        hash_ = b""
        for seq, (entry, key, found) in sorted(self.tables.audit.items()):
            hash_ = link(hash_, seq, key)
            if digest(entry) != key or found != hash_:
                return seq
        return None
