"""Passwords of people."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from argon2 import PasswordHasher, extract_parameters

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


async def test_an_unknown_name_takes_as_long_as_a_wrong_password(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer's time does not tell whether a name exists: one comparison of the same cost in both cases."""
    known, compared = hash_password("right", COST), []
    verify = PasswordHasher.verify

    def noted(hasher: PasswordHasher, hash_: str, password: str) -> bool:
        compared.append(extract_parameters(hash_))
        return verify(hasher, hash_, password)

    monkeypatch.setattr(PasswordHasher, "verify", noted)
    assert not await passwords.check("wrong", known)
    assert not await passwords.check("wrong", None)
    exists, unknown = compared
    assert unknown == exists
    assert (exists.time_cost, exists.memory_cost, exists.parallelism) == COST


async def test_too_many_at_once_are_turned_away(passwords: Passwords) -> None:
    """The queue of waiting checks is bounded."""
    passwords._waiting = WAITING_MAX
    with pytest.raises(BackpressureError):
        await passwords.check("x", None)
