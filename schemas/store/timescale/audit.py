"""Appends to the audit chain inside a transaction: one writer at a time, no line twice."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.store.chain import clean, digest, link
from schemas.store.security import AuditEntry
from schemas.store.timescale.statements import Connection, run
from schemas.store.timescale.work import fields, json_text

_ENTRY = ("at", "actor", "action", "subject", "outcome")


async def append_audit(connection: Connection, entries: Sequence[AuditEntry]) -> None:
    """Append entries that are not in the log yet, in order."""
    if not entries:
        return
    ((seq, head),) = await run(connection, "lock_audit")
    given = {digest(entry): entry for entry in map(clean, entries)}
    known = {bytes(found) for (found,) in await run(connection, "known_audit", {"digests": list(given)})}
    fresh = [(key, entry) for key, entry in given.items() if key not in known]
    for key, entry in fresh:
        seq, head = seq + 1, link(head, seq + 1, key)
        parameters = {**fields(entry, _ENTRY), "detail": json_text(dict(entry.detail)), "digest": key, "hash": head}
        await run(connection, "insert_audit", {**parameters, "seq": seq})
    if fresh:
        await run(connection, "move_audit", {"seq": seq, "hash": head})
