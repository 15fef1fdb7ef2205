"""Writes who did what into the hash-chained audit log; the words of `action` and `outcome` are fixed here."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from schemas.store.security import AuditEntry


class Outcome(StrEnum):
    """How an audited action ended."""

    DONE = "done"
    REFUSED = "refused"  # not permitted, not possible now, or wrong credentials
    CONFLICT = "conflict"  # somebody else was first


def entry(at: datetime, actor: str, action: str, subject: str, outcome: Outcome, **detail: str) -> AuditEntry:
    """Give one audit entry; values longer than 500 characters are cut (they stand in the record itself)."""
    return AuditEntry(at, actor, action, subject, outcome, {name: value[:500] for name, value in detail.items()})
