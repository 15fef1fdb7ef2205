"""Registers who uses the API in a bench: browsers with a session each, senders with a key each."""

from __future__ import annotations

from datetime import UTC, datetime

from api.security import sessions
from api.security.keys import create_key
from schemas.store.security import Account
from schemas.store.timescale import TimescaleStore


async def cookie(store: TimescaleStore, name: str = "bench") -> str:
    """Make an operator who is logged in; give the Cookie header."""
    await store.put_account(Account(name, "operator", ""))
    session, token = sessions.new_session(name, datetime.now(UTC), 3600)
    await store.put_session(session)
    return f"{sessions.cookie_name(secure=False)}={token}"


async def key(store: TimescaleStore, source: str) -> str:
    """Make a key that may send for a source; give its text."""
    record, text = create_key("bench", ["ingest"], [source], now=datetime.now(UTC))
    await store.put_api_key(record)
    return text
