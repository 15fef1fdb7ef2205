from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from api.security import scope
from deploy import access
from schemas.errors import UsageError
from schemas.events import Agency, Source, Zone
from schemas.store.abstract import Scope
from schemas.store.memory import MemoryStore
from schemas.store.security import Account, Session

AN = Account("an", "operator", "hash", "Nguyễn Văn An", "fire", ("24133",))
NOW = datetime.now(UTC)
SESSION = Session(b"token", "an", "csrf", NOW, NOW + timedelta(hours=1))


@pytest.fixture
async def store() -> MemoryStore:
    """Give a store with an account that is logged in, two agencies, a commune and a source."""
    store = MemoryStore()
    await store.put_agencies([Agency(id=name, name=name, kind="x") for name in ("fire", "police")])
    await store.put_zones(
        [Zone(id="commune:24133", kind="commune", code="24133", name="x", geometry={}, valid_from=date(2025, 7, 1))]
    )
    await store.put_sources([Source(id="river", kind="sensor", format="native")])
    await access.add_account(store, AN)
    await store.put_session(SESSION)
    return store


async def lines(store: MemoryStore) -> list[tuple[str, str]]:
    """Give what was done to what, oldest first; all of it by the user of this machine."""
    log = [entry for _, entry in await store.audit_log()]
    assert all(entry.actor.startswith("cli:") and len(entry.actor) > len("cli:") for entry in log)
    return [(entry.action, entry.subject) for entry in reversed(log)]


async def test_an_existing_account_is_not_made_again(store: MemoryStore) -> None:
    """Adding it again would take its limits away: it is refused with the commands that are meant, in any case."""
    with pytest.raises(UsageError, match=r"canh user password an.*canh user change an"):
        await access.add_account(store, Account("An".lower(), "operator", "other"))
    assert await store.account("an") == AN
    assert await store.session(b"token") == SESSION


async def test_a_new_password_changes_only_the_password(store: MemoryStore) -> None:
    """Role and limits stay, whoever was logged in is out, and the log says so."""
    await access.set_password(store, "AN", "new hash")
    account = await store.account("an")
    assert account == Account("an", "operator", "new hash", "Nguyễn Văn An", "fire", ("24133",))
    assert await store.session(b"token") is None
    assert await lines(store) == [("account.add", "an"), ("account.password", "an")]


async def test_rights_change_one_by_one(store: MemoryStore) -> None:
    """What is not named stays; only the word all takes a limit away."""
    after = await access.change_account(store, "an", role="viewer", agency=None, communes=())
    assert (after.role, after.agency, after.communes) == ("viewer", "fire", ("24133",))
    assert await store.session(b"token") is None
    after = await access.change_account(store, "an", role=None, agency="police", communes=("all",))
    assert (after.role, after.agency, after.communes) == ("viewer", "police", ())
    after = await access.change_account(store, "an", role=None, agency="all", communes=("24133",))
    assert await store.account("an") == after == Account("an", "viewer", "hash", "Nguyễn Văn An", None, ("24133",))


async def test_an_account_is_kept_out_and_let_in(store: MemoryStore) -> None:
    """Nobody needs SQL for it."""
    assert not (await access.set_enabled(store, "an", enabled=False)).enabled
    assert await store.session(b"token") is None
    assert await access.set_enabled(store, "an", enabled=True) == AN
    assert await lines(store) == [("account.add", "an"), ("account.disable", "an"), ("account.enable", "an")]


@pytest.mark.parametrize(
    ("account", "says"),
    [
        (Account("b", "king", ""), "operator"),
        (Account("b", "device", ""), "operator"),
        (Account("b", "viewer", "", agency="fier"), "fire, police"),
        (Account("b", "viewer", "", agency=""), "fire, police"),
        (Account("b", "viewer", "", communes=("24133", "1")), "'1'.*canh zones list"),
    ],
)
async def test_rights_that_do_not_exist_are_refused(store: MemoryStore, account: Account, says: str) -> None:
    """A misspelt limit is told, with what there is instead; a machine gets a key, not a login."""
    with pytest.raises(UsageError, match=says):
        await access.add_account(store, account)
    assert await store.account("b") is None


@pytest.mark.parametrize(
    ("scopes", "sources", "says"),
    [
        (["read", "agancy:fire"], [], "agency:ID"),
        (["read", "agency:fier"], [], "fire, police"),
        (["read", "agency:"], [], "fire, police"),
        (["read", "commune:1"], [], "canh zones list"),
        (["reed"], [], "ingest"),
        (["ingest"], ["rivers"], "canh source list"),
    ],
)
async def test_a_key_for_what_does_not_exist_is_refused(
    store: MemoryStore, scopes: list[str], sources: list[str], says: str
) -> None:
    """A misspelt scope would narrow nothing, a misspelt source open nothing."""
    with pytest.raises(UsageError, match=says):
        await access.add_key(store, "wall", scopes, sources)
    assert await store.api_keys() == []


async def test_a_key_is_made_and_revoked(store: MemoryStore) -> None:
    """It sees what its scopes say, and once revoked stays so."""
    text = await access.add_key(store, "wall", ["read", "ingest", "agency:fire", "commune:24133"], ["river", "*"])
    (key,) = await store.api_keys()
    assert text.startswith(f"{key.key_id}.")
    assert scope.of_key(key) == Scope(frozenset({"fire"}), frozenset({"24133"}))
    await access.revoke_key(store, key.key_id)
    (revoked,) = await store.api_keys()
    assert revoked.revoked_at is not None
    with pytest.raises(UsageError, match="revoked already"):
        await access.revoke_key(store, key.key_id)
    assert (await lines(store))[1:] == [("key.create", key.key_id), ("key.revoke", key.key_id)]


@pytest.mark.parametrize(
    "what",
    [
        lambda store: access.set_password(store, "nobody", "x"),
        lambda store: access.set_enabled(store, "nobody", enabled=True),
        lambda store: access.change_account(store, "nobody", role="viewer", agency=None, communes=()),
        lambda store: access.revoke_key(store, "nobody"),
    ],
)
async def test_nobody_cannot_be_changed(store: MemoryStore, what: Callable[[MemoryStore], Awaitable[object]]) -> None:
    """A misspelt name is told, with the command that lists those that there are."""
    with pytest.raises(UsageError, match=r"canh user (list|keys)"):
        await what(store)
