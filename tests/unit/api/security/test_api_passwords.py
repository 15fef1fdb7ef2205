"""Passwords of people."""

from __future__ import annotations

import statistics
import time
from collections.abc import AsyncIterator

import pytest

from api.security.passwords import WAITING_MAX, Passwords, hash_password
from schemas.errors import BackpressureError

COST = (1, 8, 1)


@pytest.fixture
async def passwords() -> AsyncIterator[Passwords]:
    """Give a checker with the least cost."""
    made = Passwords(COST)
    await made.start()
    yield made
    made.stop()


async def test_right_and_wrong_passwords(passwords: Passwords) -> None:
    """Only the right password of a known name passes; a broken hash is never right."""
    known = hash_password("mật khẩu", COST)
    assert known.startswith("$argon2id$")
    assert await passwords.check("mật khẩu", known)
    assert not await passwords.check("mat khau", known)
    assert not await passwords.check("nobody has this password", None)
    assert not await passwords.check("x", "not a hash")


async def test_an_unknown_name_takes_as_long_as_a_wrong_password() -> None:
    """The answer's time does not tell whether a name exists."""
    cost = (2, 8192, 1)
    passwords = Passwords(cost)
    await passwords.start()
    known = hash_password("right", cost)
    times: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(7):
        for exists in (True, False):
            began = time.perf_counter()
            await passwords.check("wrong", known if exists else None)
            times[exists].append(time.perf_counter() - began)
    passwords.stop()
    ratio = statistics.median(times[True]) / statistics.median(times[False])
    assert 0.4 < ratio < 2.5


async def test_too_many_at_once_are_turned_away(passwords: Passwords) -> None:
    """The queue of waiting checks is bounded."""
    passwords._waiting = WAITING_MAX
    with pytest.raises(BackpressureError):
        await passwords.check("x", None)
