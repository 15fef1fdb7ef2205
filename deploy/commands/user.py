"""`canh user` and its API keys: accounts of people, keys of programs and devices."""

from __future__ import annotations

from collections.abc import Sequence

from cyclopts import App

from api.config import ApiConfig
from api.security.keys import create_key
from api.security.passwords import hash_password
from api.security.roles import ROLES
from deploy.bootstrap import now
from deploy.commands.terminal import results, show, with_store
from deploy.passwords import new_password
from schemas.errors import UsageError
from schemas.store.abstract import Commit, Store
from schemas.store.security import Account, AuditEntry

app = App(name="user", help="Accounts of people and API keys of programs.")


@app.command
def add(name: str, /, *, role: str, display_name: str = "", agency: str | None = None) -> None:
    """Create an account with a new password, or give an existing one a new password; it is printed once.

    Parameters
    ----------
    name
        Login name.
    role
        viewer, operator, supervisor, field, engineer or admin.
    display_name
        Name shown to others.
    agency
        Restrict to this agency's incidents.
    """
    if role not in ROLES:
        raise UsageError(f"There is no role {role!r}: choose among {', '.join(ROLES)}.")
    password = new_password()
    account = Account(
        name.lower(), role, hash_password(password, ApiConfig().password_cost), display_name or name, agency
    )

    async def go(store: Store) -> None:
        await store.put_account(account)
        await store.audit(AuditEntry(now(), "cli", "account.put", account.name, "ok", {"role": role}))

    with_store(go)
    results.print(f"{account.name}  {password}", markup=False)


@app.command(name="list")
def list_users(*, json: bool = False) -> None:
    """List accounts.

    Parameters
    ----------
    json
        Print JSON.
    """
    rows = [(x.name, x.role, x.display_name, x.agency, x.enabled) for x in with_store(lambda s: s.accounts())]
    show("Accounts", ("name", "role", "display_name", "agency", "enabled"), rows, as_json=json)


@app.command
def key(title: str, /, *, source: Sequence[str] = (), scope: Sequence[str] = ("ingest",)) -> None:
    """Create an API key; the secret is printed once and kept nowhere.

    Parameters
    ----------
    title
        Who uses it.
    source
        Sources it may write; may be repeated.
    scope
        What it may do (ingest, read, metrics); may be repeated.
    """
    made, text = create_key(title, scope, source, now=now())

    async def go(store: Store) -> None:
        await store.put_api_key(made)
        await store.commit(Commit(audit=[AuditEntry(now(), "cli", "key.create", made.key_id, "ok", {"title": title})]))

    with_store(go)
    results.print(text, markup=False)
