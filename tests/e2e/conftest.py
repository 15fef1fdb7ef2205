"""One browser at a time for page tests: Playwright's synchronous API runs an event loop of its own in this thread.

While it runs, nothing else may: no second browser, and no asynchronous test. So it ends with its module.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.console.desk import CHROMIUM, chromium

expect.set_options(timeout=30_000)  # servers and browser share the cores


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give a real Chromium."""
    if not CHROMIUM.exists():
        pytest.skip("needs Debian's chromium")
    with chromium() as running:
        yield running
