"""Makes and checks API keys of programs and devices: `<key_id>.<secret>`, of which only a SHA-256 is kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime
from hmac import compare_digest

from schemas.store.security import ApiKey

#: What an unknown key is compared with, so that it takes the same way as a wrong secret.
_NOBODY = hashlib.sha256(b"").digest()


def create_key(
    title: str,
    scopes: Sequence[str],
    sources: Sequence[str],
    *,
    now: datetime,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Give a new key to store, and the text that its owner gets once: `<key_id>.<secret>` (256 random bits)."""
    key_id = f"ck_{secrets.token_hex(6)}"
    secret = secrets.token_urlsafe(32)
    key = ApiKey(
        key_id=key_id,
        secret_hash=_digest(secret),
        title=title,
        scopes=tuple(scopes),
        sources=tuple(sources),
        created_at=now,
        expires_at=expires_at,
    )
    return key, f"{key_id}.{secret}"


def split_key(text: str) -> tuple[str, str]:
    """Give key id and secret of a bearer token; ("", "") when it is not of our form."""
    key_id, dot, secret = text.partition(".")
    return (key_id, secret) if dot and key_id and secret and len(text) <= 256 else ("", "")


def usable(key: ApiKey | None, secret: str, now: datetime) -> bool:
    """Say whether a secret opens a key now: right, not expired, not revoked; the comparison takes constant time."""
    right = compare_digest(_digest(secret), key.secret_hash if key else _NOBODY)
    return right and key is not None and alive(key, now)


def alive(key: ApiKey, now: datetime) -> bool:
    """Say whether a key is neither expired nor revoked."""
    return key.revoked_at is None and (key.expires_at is None or now < key.expires_at)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
