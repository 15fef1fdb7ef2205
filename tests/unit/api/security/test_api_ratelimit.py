"""Rates and lock-outs."""

from __future__ import annotations

import pytest

from api.config import Limits
from api.problem import ProblemError
from api.security.ratelimit import RateLimits

LIMITS = Limits(login_failures="2 per 1 minute", address_failures="3 per 1 minute", orders="2 per 1 minute")


async def test_a_rate_is_counted_for_each_actor() -> None:
    """One too many is a 429 with the time to wait; others are not touched."""
    rates = RateLimits(LIMITS)
    await rates.take("orders", "an")
    await rates.take("orders", "an")
    with pytest.raises(ProblemError) as caught:
        await rates.take("orders", "an")
    assert caught.value.kind.status == 429
    assert int(caught.value.headers["Retry-After"]) >= 1
    await rates.take("orders", "binh")


async def test_failures_lock_name_and_address_together() -> None:
    """After two failures this name is locked from this address, and only there, until it is forgiven."""
    rates = RateLimits(LIMITS)
    assert await rates.failed("login", "10.0.0.1", "an")
    assert not await rates.failed("login", "10.0.0.1", "an")
    with pytest.raises(ProblemError):
        await rates.check("login", "10.0.0.1", "an")
    await rates.check("login", "10.0.0.2", "an")
    await rates.check("login", "10.0.0.1", "binh")
    await rates.forgive("login", "10.0.0.1", "an")
    await rates.check("login", "10.0.0.1", "an")
