"""The one place that turns an account or a key into what it may see, and asks that of things (G8)."""

from __future__ import annotations

from collections.abc import Collection

from api.security.roles import KEY_SCOPES
from schemas.events import Device, Source, Unit
from schemas.store.abstract import Scope
from schemas.store.security import Account, ApiKey

#: How the scopes of a key begin that narrow what it may see.
AGENCY, COMMUNE = "agency:", "commune:"
#: In a key's list of sources: every source.
ANY_SOURCE = "*"
_NOTHING = Scope(agencies=frozenset(), communes=frozenset())


def of_account(account: Account) -> Scope:
    """Give what a person may see: their agency's incidents in their communes; unset means all."""
    return Scope(
        agencies=None if account.agency is None else frozenset({account.agency}),
        communes=frozenset(account.communes) or None,
    )


def of_key(key: ApiKey) -> Scope:
    """Give what a key may see: scopes such as "agency:fire" and "commune:24133" narrow it, none of them means all.

    With a scope that we do not know it sees nothing: what was meant to narrow it, misspelt, must not open everything.
    """
    if not all(scope in KEY_SCOPES or _narrows(scope) for scope in key.scopes):
        return _NOTHING
    return Scope(agencies=_named(key, AGENCY), communes=_named(key, COMMUNE))


def sees_source(scope: Scope, source: Source) -> bool:
    """Say whether a source may be seen: its owner's, or one that has no owner.

    Communes do not narrow it: a feed covers many, and its entry tells of its health. Its devices are narrowed.
    """
    return scope.agencies is None or not source.agency or source.agency in scope.agencies


def sees_device(scope: Scope, device: Device, source: Source | None) -> bool:
    """Say whether a device may be seen: its source's, in the reader's communes."""
    if scope.communes is not None and device.commune not in scope.communes:
        return False
    return scope.agencies is None if source is None else sees_source(scope, source)


def sees_unit(scope: Scope, unit: Unit, communes: Collection[str]) -> bool:
    """Say whether a unit and its position may be seen: its own agency's, in the reader's communes.

    `communes` are where it is and where it belongs (`api.territory`); a unit of which neither is known is in none.
    """
    if scope.communes is not None and scope.communes.isdisjoint(communes):
        return False
    return scope.agencies is None or unit.agency in scope.agencies


def _narrows(scope: str) -> bool:
    return scope.startswith((AGENCY, COMMUNE)) and not scope.endswith(":")


def _named(key: ApiKey, prefix: str) -> frozenset[str] | None:
    return frozenset(scope.removeprefix(prefix) for scope in key.scopes if scope.startswith(prefix)) or None
