from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.store.abstract import Commit, Store
from schemas.store.security import Account, ApiKey, AuditEntry, Session
from tests.contract.store.samples import T0, at

ACCOUNT = Account("an", "operator", "$argon2id$x", "Nguyễn Văn An", agency="fire-dept", communes=("24133", "22240"))


def session(token: bytes, lives_s: float) -> Session:
    now = datetime.now(UTC).replace(microsecond=0)
    return Session(token, "an", "csrf", now, now + timedelta(seconds=lives_s))


async def test_accounts_are_found_in_any_case(store: Store) -> None:
    """A name is one account whatever its case; changing it keeps one row."""
    await store.put_account(replace(ACCOUNT, name="An"))
    assert await store.account("AN") == ACCOUNT
    changed = replace(ACCOUNT, enabled=False, communes=())
    await store.put_account(changed)
    assert await store.accounts() == [changed]
    assert await store.account("bình") is None
    assert await store.account("a\x00n") is None


async def test_sessions_end(store: Store) -> None:
    """A session lives until it expires or is dropped."""
    await store.put_session(session(b"dead", -1))
    await store.put_session(alive := session(b"alive", 60))
    assert await store.session(b"dead") is None
    assert await store.session(b"alive") == alive
    await store.drop_session(b"alive")
    assert await store.session(b"alive") is None


@pytest.mark.parametrize(
    ("changed", "ends"),
    [
        ({"password_hash": "$argon2id$y"}, True),
        ({"role": "viewer"}, True),
        ({"agency": None}, True),
        ({"agency": "police"}, True),
        ({"communes": ()}, True),
        ({"enabled": False}, True),
        ({"display_name": "An"}, False),
        ({}, False),
    ],
    ids=str,
)
async def test_sessions_end_with_the_rights_that_they_stand_on(
    store: Store, changed: dict[str, Any], ends: bool
) -> None:
    """Whoever is logged in must log in again after a change of password or rights; a new name to show is none."""
    await store.put_account(ACCOUNT)
    await store.put_account(replace(ACCOUNT, name="binh"))
    await store.put_session(session(b"an's", 60))
    await store.put_session(other := replace(session(b"binh's", 60), account="binh"))
    await store.put_account(replace(ACCOUNT, name="AN", **changed))
    assert (await store.session(b"an's") is None) == ends
    assert await store.session(b"binh's") == other


async def test_accounts_and_keys_are_written_with_their_audit_lines(store: Store) -> None:
    """What is done and that it was done are one."""
    done = [AuditEntry(at(i), "cli:root", "account.add", "an", "done") for i in range(2)]
    await store.put_account(ACCOUNT, done[:1])
    await store.put_api_key(ApiKey("k1", b"hash", "wall", ("read",), (), T0), done[1:])
    assert [entry for _, entry in await store.audit_log()] == done[::-1]


async def test_api_keys(store: Store) -> None:
    """A key comes back as given, and its revocation too."""
    key = ApiKey("k1", b"\x00hash", "Cổng MQTT", ("ingest",), ("river", "cameras"), T0)
    await store.put_api_key(key)
    assert await store.api_key("k1") == key
    revoked = replace(key, revoked_at=at(9), expires_at=at(99), sources=())
    await store.put_api_key(revoked)
    assert await store.api_key("k1") == revoked
    assert await store.api_key("k2") is None
    await store.put_api_key(older := replace(key, key_id="k0", created_at=at(-1)))
    assert await store.api_keys() == [older, revoked]


async def test_the_audit_log_is_a_chain(store: Store) -> None:
    """Entries are numbered without holes, come newest first, and the chain is whole."""
    entries = [AuditEntry(at(i), "an", "login", "session", "ok", {"i": str(i), "ip": "127.0.0.1"}) for i in range(4)]
    await store.audit(entries[0])
    await store.commit(Commit(audit=entries[1:]))
    assert await store.audit_log() == [(4 - i, entry) for i, entry in enumerate(entries[::-1])]
    assert await store.audit_log(limit=1, before=3) == [(2, entries[1])]
    assert await store.audit_broken_at() is None


async def test_an_entry_is_logged_once_and_always(store: Store) -> None:
    """The same entry twice is one line; odd characters never keep an entry out."""
    odd = AuditEntry(T0, "x\x00\ud800", "login", "session", "denied", {"name": "\x00"})
    await store.audit(odd)
    await store.audit(odd)
    await store.commit(Commit(audit=[odd, odd]))
    ((seq, entry),) = await store.audit_log()
    assert (seq, entry.actor, entry.detail) == (1, "x\u2400?", {"name": "\u2400"})
    assert await store.audit_broken_at() is None
