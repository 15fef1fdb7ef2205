from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.canh import Canh, canh, wait_for, wanted_servers
from tests.e2e.console.desk import Desk

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def demo() -> Iterator[Canh]:
    with wanted_servers() as servers, canh("demo", "--scenario", "song-ba-flood", "--speed", "0", **servers) as running:
        wait_for(lambda: "The scenario is over" in running.printed(), 240, "the end of the scenario")
        yield running


@pytest.fixture
def desk(demo: Canh, browser: Browser) -> Iterator[Desk]:
    page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="vi-VN")
    page.set_default_timeout(30_000)
    opened = Desk(page, demo.url)
    opened.login("trucban", demo.passwords()["trucban"])
    opened.wait_rows()
    yield opened
    page.close()
    assert opened.outside == []
    assert opened.faults == []


def test_an_operator_sees_the_flood_and_acknowledges_it(desk: Desk) -> None:
    """List, detail, chart and one click, on the whole system: sensor to screen."""
    expect(desk.page.locator(".row")).to_have_count(4)
    desk.page.keyboard.press("j")
    desk.page.keyboard.press("Enter")
    detail = desk.page.locator("canh-detail, .detail").first
    expect(detail).to_contain_text("Trạm thủy văn")
    expect(detail).to_contain_text("Mô phỏng")
    expect(desk.page.locator(".uplot canvas").first).to_be_visible()
    detail.get_by_role("button", name="Tiếp nhận").click()
    expect(desk.page.locator(".row", has_text="Tiếp nhận").first).to_be_visible()


def test_a_dead_server_never_leaves_a_live_screen(desk: Desk, demo: Canh) -> None:
    """The API stands still: the badge leaves live by itself; it goes on, and the badge comes back."""
    pid = demo.pid("api")
    os.kill(pid, signal.SIGSTOP)
    try:
        desk.expect_phase("stale", seconds=30)
    finally:
        os.kill(pid, signal.SIGCONT)
    desk.expect_phase("live", seconds=40)
