"""`canh user`: accounts of people, and the API keys of programs and devices."""

from __future__ import annotations

from collections.abc import Sequence

from cyclopts import App

from api.config import ApiConfig
from api.security.keys import alive
from api.security.passwords import hash_password
from deploy import access
from deploy.bootstrap import now
from deploy.commands.terminal import results, show, with_store
from deploy.passwords import new_password
from schemas.store.security import Account

app = App(name="user", help="Accounts of people and API keys of programs.")


@app.command
def add(
    name: str, /, *, role: str, display_name: str = "", agency: str | None = None, commune: Sequence[str] = ()
) -> None:
    """Create an account; its password is printed once.

    Parameters
    ----------
    name
        Login name; refused when there is such an account already.
    role
        viewer, operator, supervisor, field, engineer or admin.
    display_name
        Name shown to others.
    agency
        Restrict to this agency's incidents (its id).
    commune
        Restrict to this commune (its code); may be repeated.
    """
    password = new_password()
    account = Account(name.lower(), role, _hashed(password), display_name or name, agency, tuple(commune))
    with_store(lambda store: access.add_account(store, account))
    results.print(f"{account.name}  {password}", markup=False)


@app.command
def password(name: str, /) -> None:
    """Give an account a new password, printed once; whoever is logged in with it is logged out.

    Parameters
    ----------
    name
        Login name.
    """
    made = new_password()
    digest = _hashed(made)
    account = with_store(lambda store: access.set_password(store, name, digest))
    results.print(f"{account.name}  {made}", markup=False)


@app.command
def change(name: str, /, *, role: str | None = None, agency: str | None = None, commune: Sequence[str] = ()) -> None:
    """Give an account other rights; what is not named stays. Whoever is logged in with it is logged out.

    Parameters
    ----------
    name
        Login name.
    role
        viewer, operator, supervisor, field, engineer or admin.
    agency
        Restrict to this agency's incidents (its id); all: to none.
    commune
        Restrict to this commune (its code), may be repeated; all: to none.
    """
    after = with_store(lambda store: access.change_account(store, name, role=role, agency=agency, communes=commune))
    places = ", ".join(after.communes) or access.ALL
    results.print(f"{after.name}: {after.role}, agency {after.agency or access.ALL}, communes {places}", markup=False)


@app.command
def disable(name: str, /) -> None:
    """Keep an account out, at once; it stays for the record.

    Parameters
    ----------
    name
        Login name.
    """
    account = with_store(lambda store: access.set_enabled(store, name, enabled=False))
    results.print(f"{account.name} is out.", markup=False)


@app.command
def enable(name: str, /) -> None:
    """Let an account in again.

    Parameters
    ----------
    name
        Login name.
    """
    account = with_store(lambda store: access.set_enabled(store, name, enabled=True))
    results.print(f"{account.name} may log in.", markup=False)


@app.command(name="list")
def list_users(*, json: bool = False) -> None:
    """List accounts.

    Parameters
    ----------
    json
        Print JSON.
    """
    rows = [
        (x.name, x.role, x.display_name, x.agency, " ".join(x.communes), x.enabled)
        for x in with_store(lambda store: store.accounts())
    ]
    show("Accounts", ("name", "role", "display_name", "agency", "communes", "enabled"), rows, as_json=json)


@app.command
def key(title: str, /, *, source: Sequence[str] = (), scope: Sequence[str] = ("ingest",)) -> None:
    """Create an API key; the secret is printed once and kept nowhere.

    Parameters
    ----------
    title
        Who uses it.
    source
        Sources it may write (* for all); may be repeated.
    scope
        What it may do (ingest, read, metrics), and what it may read (agency:ID, commune:CODE; none of them: all);
        may be repeated.
    """
    results.print(with_store(lambda store: access.add_key(store, title, scope, source)), markup=False)


@app.command
def keys(*, json: bool = False) -> None:
    """List API keys.

    Parameters
    ----------
    json
        Print JSON.
    """
    rows = [
        (x.key_id, x.title, " ".join(x.scopes), " ".join(x.sources), x.created_at.isoformat(), alive(x, now()))
        for x in with_store(lambda store: store.api_keys())
    ]
    show("API keys", ("id", "title", "scopes", "sources", "created_at", "usable"), rows, as_json=json)


@app.command
def revoke(key_id: str, /) -> None:
    """Close an API key for good.

    Parameters
    ----------
    key_id
        The key's id, the part before the dot.
    """
    with_store(lambda store: access.revoke_key(store, key_id))
    results.print(f"{key_id} opens nothing any more.", markup=False)


def _hashed(text: str) -> str:
    return hash_password(text, ApiConfig().password_cost)
