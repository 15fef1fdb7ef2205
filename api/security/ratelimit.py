"""Counts what each caller asks, in memory, and refuses what is too much (library `limits`)."""

from __future__ import annotations

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter, SlidingWindowCounterRateLimiter

from api.config import Limits
from api.problem import TOO_MANY, ProblemError
from schemas.events import Text

_WAIT = Text(vi="Quá nhiều yêu cầu; hãy chờ rồi thử lại.", en="Too many requests; wait, then try again.")
_LOCKED = Text(
    vi="Sai quá nhiều lần; tạm khóa, hãy thử lại sau.", en="Too many failures; locked for a while, try again later."
)
#: The longest wait that we ask for: a person who forgot a password tries again within a minute anyway.
RETRY_AFTER_MAX_S = 60


class RateLimits:
    """The counters of one process. Failures are counted exactly, requests with a sliding counter (constant memory)."""

    def __init__(self, limits: Limits) -> None:
        storage = MemoryStorage()
        self._failures = MovingWindowRateLimiter(storage)
        self._requests = SlidingWindowCounterRateLimiter(storage)
        self._rates = {name: parse(getattr(limits, name)) for name in ("ingest", "orders", "reads")}
        self._locks = {
            "login": parse(limits.login_failures),
            "address": parse(limits.address_failures),
            "key": parse(limits.key_failures),
        }

    async def take(self, rate: str, actor: str) -> None:
        """Count one request of an actor (rate: ingest, orders, reads); raises ProblemError 429 when one too many."""
        item = self._rates[rate]
        if not await self._requests.hit(item, rate, actor):
            raise _too_many(_WAIT, item)

    async def check(self, lock: str, *who: str) -> None:
        """Raise ProblemError 429 when somebody failed too often (lock: login, address, key); looks at nothing else."""
        item = self._locks[lock]
        if not await self._failures.test(item, lock, *who):
            raise _too_many(_LOCKED, item)

    async def failed(self, lock: str, *who: str) -> bool:
        """Count a failure; True for the first of its window (an audit of each would be a flood of its own)."""
        item = self._locks[lock]
        first = (await self._failures.get_window_stats(item, lock, *who)).remaining == item.amount
        await self._failures.hit(item, lock, *who)
        return first

    async def forgive(self, lock: str, *who: str) -> None:
        """Forget the failures of somebody who got it right."""
        await self._failures.clear(self._locks[lock], lock, *who)


def _too_many(text: Text, item: RateLimitItem) -> ProblemError:
    wait_s = max(1, min(item.get_expiry(), RETRY_AFTER_MAX_S))
    return ProblemError(TOO_MANY, text, headers={"Retry-After": str(wait_s)}, retry_after_s=wait_s)
