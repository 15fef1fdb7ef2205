"""Hashes and checks people's passwords with argon2id, off the event loop and a few at a time."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from schemas.errors import BackpressureError

#: Hashing uses 64 MiB for each at the default cost: two at a time bound the memory, 32 waiting bound the time.
AT_ONCE = 2
WAITING_MAX = 32


def hash_password(password: str, cost: tuple[int, int, int]) -> str:
    """Give the argon2id hash of a password (blocking); `cost` is time, memory in KiB, lanes."""
    return _hasher(cost).hash(password)


class Passwords:
    """Checks passwords in its own threads; an unknown name costs the same time as a wrong password."""

    def __init__(self, cost: tuple[int, int, int]) -> None:
        self._hasher = _hasher(cost)
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="argon2")
        self._nobody = ""
        self._waiting = 0

    async def start(self) -> None:
        """Make the hash that unknown names are compared with."""
        self._nobody = await asyncio.get_running_loop().run_in_executor(
            self._threads, self._hasher.hash, "nobody has this password"
        )

    def stop(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def check(self, password: str, password_hash: str | None) -> bool:
        """Say whether a password fits a hash; None (no such name) takes as long and is never right.

        Raises BackpressureError when too many wait.
        """
        if self._waiting >= WAITING_MAX:
            raise BackpressureError("too many logins at once")
        self._waiting += 1
        try:
            right = await asyncio.get_running_loop().run_in_executor(
                self._threads, self._fits, password_hash or self._nobody, password
            )
        finally:
            self._waiting -= 1
        return right and password_hash is not None

    def _fits(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False


def _hasher(cost: tuple[int, int, int]) -> PasswordHasher:
    return PasswordHasher(time_cost=cost[0], memory_cost=cost[1], parallelism=cost[2])
