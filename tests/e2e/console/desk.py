"""Drives the operator's page in a real browser: what a person does and sees, by name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, Route, expect, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
#: Debian's Chromium as root, without a GPU, and without anything of its own that asks the network.
ARGUMENTS = [
    "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
]  # fmt: skip


#: A page is given this long to show what it should, ms: machines that run tests are busy.
PATIENCE_MS = 30_000
expect.set_options(timeout=PATIENCE_MS)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Give a running browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Desk:
    """One open page.

    Requests to anything but `base` are blocked and kept in `outside`; errors of the page and breaches of its security
    policy are kept in `faults`.
    """

    page: Page
    base: str
    outside: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.context.route("**/*", self._guard)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", self._listen)

    @contextmanager
    def failing(self, pattern: str) -> Iterator[None]:
        """Let requests fail meanwhile.

        The route stays: of a request that is asked about while it is taken away Playwright disposes itself, and what
        `_guard` then says of it is an error.
        """
        over = False
        self.page.route(pattern, lambda route: route.fallback() if over else route.abort())
        try:
            yield
        finally:
            over = True

    def _guard(self, route: Route) -> None:
        if route.request.url.startswith(f"{self.base}/"):
            route.continue_()
        else:
            self.outside.append(route.request.url)
            route.abort()

    def _listen(self, message: ConsoleMessage) -> None:
        # An answer that is not 200 is logged by the browser itself; the tests look at what the page makes of it.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.faults.append(message.text)

    def login(self, name: str, password: str, search: str = "") -> None:
        """Open the page and log in."""
        self.page.goto(f"{self.base}/{search}")
        self.page.fill("input[name=name]", name)
        self.page.fill("input[name=password]", password)
        self.page.click(".login-card button")

    def wait_rows(self) -> None:
        """Wait until the list shows something and the feed is live."""
        expect(self.page.locator(".row").first).to_be_visible()
        self.expect_phase("live")

    def expect_phase(self, phase: str, seconds: float = PATIENCE_MS / 1000) -> None:
        """Wait until the live badge shows this state."""
        expect(self.page.locator(".live-badge")).to_have_attribute("data-phase", phase, timeout=seconds * 1000)

    def row(self, title: str) -> Any:
        """Give the rows whose title holds a text."""
        return self.page.locator(".row", has=self.page.locator(".row-title", has_text=title))

    def find(self, words: str, title: str) -> Any:
        """Search for words, and give the first row that is then found with this title."""
        self.page.locator("#search").fill(words)
        self.page.locator("#search").blur()
        expect(self.page.locator(".row", has_not=self.page.locator(".row-title", has_text=title))).to_have_count(0)
        return self.row(title).first

    def titles(self) -> list[str]:
        """Give the titles of the rows that are drawn, top to bottom."""
        return self.page.locator(".row-title").all_inner_texts()

    def expect_count(self, count: int) -> None:
        """Wait until the list says that it holds this many."""
        expect(self.page.locator(".list-head b")).to_have_text(re.compile(rf"^{count} "))

    def action(self, name: str) -> Any:
        """Give the button of an order: ack, assign, comment, resolve, close."""
        return self.page.locator(f"button[data-action={name}]")

    def wait_map(self) -> None:
        """Wait until the map has drawn everything that it has."""
        self.page.wait_for_function("() => document.querySelector('canh-map').view?.map.loaded()", timeout=30_000)

    def symbol_on_map(self, lon: float, lat: float) -> tuple[float, float]:
        """Wait until the map, at rest, has drawn an incident at a position; give its place on the screen, in pixels."""
        script = """([lon, lat]) => {
            const map = document.querySelector('canh-map').view.map;
            const point = map.project([lon, lat]);
            if (map.isMoving() || !map.queryRenderedFeatures(point, { layers: ['incidents'] }).length) return null;
            const box = map.getCanvas().getBoundingClientRect();
            return [box.x + point.x, box.y + point.y];
        }"""
        x, y = self.page.wait_for_function(script, arg=[lon, lat], timeout=30_000).json_value()
        return x, y
