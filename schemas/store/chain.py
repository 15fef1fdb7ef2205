"""Chains audit entries by their hashes, so that a changed, missing or moved line is found."""

from __future__ import annotations

import hashlib
from datetime import UTC

import msgspec

from schemas.store.content import storable
from schemas.store.security import AuditEntry


def clean(entry: AuditEntry) -> AuditEntry:
    """Give an entry that every database takes: an attacker's odd characters must not keep it out of the log."""
    return AuditEntry(
        at=entry.at.astimezone(UTC),
        actor=storable(entry.actor),
        action=storable(entry.action),
        subject=storable(entry.subject),
        outcome=storable(entry.outcome),
        detail={storable(name): storable(text) for name, text in entry.detail.items()},
    )


def digest(entry: AuditEntry) -> bytes:
    """Give the SHA-256 of one entry; the same words at the same microsecond are the same entry."""
    words = (entry.at.isoformat(), entry.actor, entry.action, entry.subject, entry.outcome, dict(entry.detail))
    return hashlib.sha256(msgspec.json.encode(words, order="sorted")).digest()


def link(before: bytes, seq: int, entry_digest: bytes) -> bytes:
    """Give the hash of line `seq`: of the hash before it, its number and its digest."""
    return hashlib.sha256(before + seq.to_bytes(8, "big") + entry_digest).digest()
