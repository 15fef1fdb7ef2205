"""Who gets in and what they may: makes and changes accounts and keys, each in one transaction with its audit line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from api.security.keys import create_key
from api.security.roles import KEY_SCOPES, ROLES
from api.security.scope import AGENCY, ANY_SOURCE, COMMUNE
from deploy.bootstrap import now
from deploy.noted import noted
from schemas.errors import UsageError
from schemas.store.abstract import Store
from schemas.store.security import Account

#: Takes a limit away, where an agency or communes are named.
ALL = "all"


async def add_account(store: Store, account: Account) -> None:
    """Create an account; raises UsageError when its name is taken, or its role or limits do not exist."""
    if await store.account(account.name) is not None:
        raise UsageError(
            f"There is an account {account.name!r} already. `canh user password {account.name}` gives it a new "
            f"password, `canh user change {account.name}` other rights."
        )
    await _check(store, account)
    await store.put_account(account, [noted("account.add", account.name, **_rights(account))])


async def change_account(
    store: Store, name: str, *, role: str | None, agency: str | None, communes: Sequence[str]
) -> Account:
    """Give an account other rights; what is not given stays as it is, ALL takes a limit away."""
    before = await _account(store, name)
    after = replace(
        before,
        role=role or before.role,
        agency=None if agency == ALL else agency or before.agency,
        communes=() if ALL in communes else tuple(communes) or before.communes,
    )
    await _check(store, after)
    await store.put_account(after, [noted("account.change", after.name, **_rights(after))])
    return after


async def set_password(store: Store, name: str, password_hash: str) -> Account:
    """Give an account another password and nothing else."""
    account = replace(await _account(store, name), password_hash=password_hash)
    await store.put_account(account, [noted("account.password", account.name)])
    return account


async def set_enabled(store: Store, name: str, *, enabled: bool) -> Account:
    """Let an account in, or keep it out."""
    account = replace(await _account(store, name), enabled=enabled)
    await store.put_account(account, [noted("account.enable" if enabled else "account.disable", account.name)])
    return account


async def add_key(store: Store, title: str, scopes: Sequence[str], sources: Sequence[str]) -> str:
    """Create a key, give its text; raises UsageError for scopes and sources that do not exist."""
    limits = [scope for scope in scopes if scope not in KEY_SCOPES]
    for scope in limits:
        if not scope.startswith((AGENCY, COMMUNE)):
            known = ", ".join((*KEY_SCOPES, f"{AGENCY}ID", f"{COMMUNE}CODE"))
            raise UsageError(f"There is no scope {scope!r}: choose among {known}.")
    await _check_agencies(store, [scope.removeprefix(AGENCY) for scope in limits if scope.startswith(AGENCY)])
    await _check_communes(store, [scope.removeprefix(COMMUNE) for scope in limits if scope.startswith(COMMUNE)])
    unknown = set(sources) - {source.id for source in await store.sources()} - {ANY_SOURCE}
    if unknown:
        raise UsageError(f"Not registered: {', '.join(sorted(unknown))}. See `canh source list`.")
    key, text = create_key(title, scopes, sources, now=now())
    detail = {"title": title, "scopes": " ".join(scopes), "sources": " ".join(sources)}
    await store.put_api_key(key, [noted("key.create", key.key_id, **detail)])
    return text


async def revoke_key(store: Store, key_id: str) -> None:
    """Close a key for good; raises UsageError when there is none with this id, or it is revoked already."""
    key = await store.api_key(key_id)
    if key is None or key.revoked_at is not None:
        state = "is no key" if key is None else "is revoked already"
        raise UsageError(f"{key_id!r} {state}; see `canh user keys`.")
    await store.put_api_key(replace(key, revoked_at=now()), [noted("key.revoke", key_id, title=key.title)])


async def _account(store: Store, name: str) -> Account:
    account = await store.account(name)
    if account is None:
        raise UsageError(f"There is no account {name!r}; see `canh user list`.")
    return account


def _rights(account: Account) -> dict[str, str]:
    return {"role": account.role, "agency": account.agency or ALL, "communes": " ".join(account.communes) or ALL}


async def _check(store: Store, account: Account) -> None:
    if account.role not in ROLES:
        raise UsageError(f"There is no role {account.role!r}: choose among {', '.join(ROLES)}.")
    await _check_agencies(store, [] if account.agency is None else [account.agency])
    await _check_communes(store, account.communes)


async def _check_agencies(store: Store, wanted: Sequence[str]) -> None:
    known = {agency.id for agency in await store.agencies()} if wanted else set()
    if missing := _missing(wanted, known):
        raise UsageError(f"There is no agency {missing}: choose among {', '.join(sorted(known)) or 'none so far'}.")


async def _check_communes(store: Store, wanted: Sequence[str]) -> None:
    known = {zone.code for zone in await store.zones("commune")} if wanted else set()
    if missing := _missing(wanted, known):
        raise UsageError(f"There is no commune {missing}; see `canh zones list --kind commune`.")


def _missing(wanted: Iterable[str], known: set[str]) -> str:
    return ", ".join(repr(one) for one in wanted if one not in known)
