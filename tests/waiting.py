"""Waits for what must happen: generous in time, for a slow machine is no failure; what never happens is one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


async def until(condition: Callable[[], object], timeout_s: float = 60.0) -> None:
    """Wait until something holds, looking every 5 ms; fails the test when it does not in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not reached within {timeout_s:.0f} s"
        await asyncio.sleep(0.005)
