"""The table of people's roles: what each may do; anything that is not in the table is not permitted.

Machines have no role: a key names its sources, where a login would open them all.
"""

from __future__ import annotations

from enum import StrEnum


class Permission(StrEnum):
    """One thing that a route may demand."""

    READ = "read"  # incidents, feed, devices, charts, zones, units, agencies
    ACK = "ack"
    ASSIGN = "assign"
    COMMENT = "comment"
    RESOLVE = "resolve"
    CLOSE = "close"
    SOURCES = "sources"  # a source's options beside its freshness
    INGEST = "ingest"
    METRICS = "metrics"


P = Permission
_OPERATOR = frozenset({P.READ, P.ACK, P.ASSIGN, P.COMMENT, P.RESOLVE})

ROLES: dict[str, frozenset[Permission]] = {
    "viewer": frozenset({P.READ}),
    "operator": _OPERATOR,
    "supervisor": _OPERATOR | {P.CLOSE},
    "field": frozenset({P.READ, P.COMMENT}),
    "engineer": frozenset({P.READ, P.SOURCES, P.METRICS}),
    "admin": frozenset(Permission),
}

#: What a key's scope opens. Keys give no orders: people decide (G9).
KEY_SCOPES: dict[str, Permission] = {"read": P.READ, "ingest": P.INGEST, "metrics": P.METRICS}


def of_role(role: str) -> frozenset[Permission]:
    """Give a role's permissions; none for a role that we do not know."""
    return ROLES.get(role, frozenset())


def of_key(scopes: tuple[str, ...]) -> frozenset[Permission]:
    """Give a key's permissions; scopes that we do not know open nothing."""
    return frozenset(KEY_SCOPES[scope] for scope in scopes if scope in KEY_SCOPES)
