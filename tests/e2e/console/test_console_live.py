from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import APIResponse, Route, expect

from tests.e2e.console.conftest import MockServer
from tests.e2e.console.desk import Desk

pytestmark = pytest.mark.e2e


def opened(server: MockServer, title: str) -> None:
    """Open an incident that stands on top of the list: the gravest that waits for a person."""
    server.order("open", title={"vi": title, "en": title}, severity=5)


def test_new_incident_comes_by_itself(server: MockServer, desk: Desk) -> None:
    """What the server opens stands on top of the list by itself, without any action."""
    opened(server, "Cháy mới ở chợ")
    expect(desk.row("Cháy mới ở chợ")).to_be_visible(timeout=10_000)
    assert desk.titles()[0] == "Cháy mới ở chợ"
    desk.expect_count(43)


def test_rows_do_not_move_under_the_pointer(server: MockServer, desk: Desk) -> None:
    """While the pointer is in the list new rows wait behind a button; what is shown still changes in place."""
    first = desk.page.locator(".row").first
    first.hover()
    before = desk.titles()
    for number in range(5):
        opened(server, f"Chờ {number}")
    waiting = desk.page.locator(".waiting")
    expect(waiting).to_contain_text("5 mới")
    assert desk.titles() == before
    id_ = first.get_attribute("data-id")
    server.order("change", id=id_, change="acknowledged", actor="Lê Văn Gác", state={"status": "acknowledged"})
    expect(first.locator(".status")).to_have_text("Đã tiếp nhận")
    waiting.click()
    expect(desk.row("Chờ 4")).to_be_visible()
    expect(waiting).to_have_count(0)


def test_closed_incident_leaves_the_list(server: MockServer, desk: Desk) -> None:
    """An incident that somebody closes leaves the list of open ones."""
    id_ = desk.page.locator(".row").first.get_attribute("data-id")
    server.order("change", id=id_, change="closed", actor="Lê Văn Gác", state={"status": "closed"})
    expect(desk.page.locator(f".row[data-id={id_}]")).to_have_count(0)


@pytest.mark.slow
def test_frozen_server_is_never_shown_as_live(server: MockServer, desk: Desk) -> None:
    """A server that is stopped with its connections open is called stale after 15 s, and live again when it goes on."""
    desk.page.keyboard.press("j")
    server.freeze()
    desk.expect_phase("stale", seconds=30)
    expect(desk.page.locator(".map-old")).to_contain_text("dữ liệu lúc")
    expect(desk.page.locator(".data-at")).to_have_class("data-at old")
    server.thaw()
    desk.expect_phase("live")


@pytest.mark.slow
def test_feed_without_beats_is_stale(server: MockServer, desk: Desk) -> None:
    """When beats stop the badge says stale after 15 s, although the connection stands."""
    server.order("beats", on=False)
    desk.expect_phase("stale", seconds=30)
    server.order("beats", on=True)
    desk.expect_phase("live")


def test_lost_connection_catches_up_without_a_hole(server: MockServer, desk: Desk) -> None:
    """What happened while the line was cut is there after it comes back, each once, in between the page says so."""
    server.order("cut", refuse=True)
    desk.expect_phase("disconnected")
    for number in range(12):
        opened(server, f"Trong lúc mất {number}")
    server.order("cut", refuse=False)
    desk.expect_phase("live", seconds=30)
    expect(desk.row("Trong lúc mất")).to_have_count(12)
    desk.expect_count(54)


def test_age_of_a_lost_line_is_that_of_its_last_word(server: MockServer, desk: Desk) -> None:
    """A line that is lost after some silence is as old as its last word, not as young as the loss."""
    server.order("beats", on=False)
    age = desk.page.locator(".live-age")
    expect(age).to_have_text("5 giây")
    server.order("cut", refuse=True)
    desk.expect_phase("disconnected")
    assert int(age.inner_text().split()[0]) >= 5


def test_incident_that_leaves_the_scope_while_the_list_loads_stays_away(server: MockServer, desk: Desk) -> None:
    """What the feed calls gone is not brought back by a list that was read a moment before."""
    id_ = desk.page.locator(".row").first.get_attribute("data-id")
    held: list[tuple[Route, APIResponse]] = []
    desk.page.route("**/v1/incidents?*", lambda route: held.append((route, route.fetch())))
    desk.page.locator(".sort select").select_option("opened")
    row = desk.page.locator(f".row[data-id={id_}]")
    expect(desk.page.locator(".rows")).to_have_attribute("aria-busy", "true")
    while not held:
        desk.page.wait_for_timeout(50)
    server.order("gone", id=id_)
    expect(row).to_have_count(0)
    held[0][0].fulfill(response=held[0][1])
    expect(desk.page.locator(".rows")).to_have_attribute("aria-busy", "false")
    expect(row).to_have_count(0)
    desk.expect_count(41)


def test_short_cut_is_resumed_by_the_browser(server: MockServer, desk: Desk) -> None:
    """A line that breaks once is taken up again from the last id."""
    opened(server, "Trước khi đứt")
    expect(desk.row("Trước khi đứt")).to_be_visible()
    server.order("cut")
    opened(server, "Ngay sau khi đứt")
    expect(desk.row("Ngay sau khi đứt")).to_be_visible()
    desk.expect_phase("live")
    desk.expect_count(44)


def test_reset_loads_the_list_anew(server: MockServer, desk: Desk) -> None:
    """When the server cannot resume it says so, and the page loads the whole list and goes on."""
    server.order("cut", refuse=True)
    desk.expect_phase("disconnected")
    opened(server, "Chỉ có trong danh sách mới")
    server.order("forget")
    server.order("cut", refuse=False)
    desk.expect_phase("live", seconds=30)
    expect(desk.row("Chỉ có trong danh sách mới")).to_have_count(1)
    opened(server, "Sau khi tải lại")
    expect(desk.row("Sau khi tải lại")).to_have_count(1)


def test_reset_in_the_middle_of_a_stream(server: MockServer, desk: Desk) -> None:
    """A reset on an open line reloads and goes on from there."""
    server.order("reset")
    opened(server, "Ngay sau lệnh tải lại")
    expect(desk.row("Ngay sau lệnh tải lại")).to_have_count(1)
    desk.expect_phase("live")


def test_ended_session_leads_to_the_login(server: MockServer, desk: Desk) -> None:
    """When the session ends the page says so and asks to log in, and shows no incidents any more."""
    server.order("expire")
    server.order("cut", refuse=True)
    expect(desk.page.get_by_role("alert")).to_contain_text("Phiên làm việc đã hết", timeout=30_000)
    expect(desk.page.locator(".row")).to_have_count(0)


def test_list_that_cannot_load_says_so_and_heals(server: MockServer, open_desk: Callable[..., Desk]) -> None:
    """A list that fails to load is told as a failure, never as "no incidents", and is tried again by itself."""
    desk = open_desk(server.base)
    with desk.failing("**/v1/incidents?*"):
        desk.login("truc", "canh-gac-dem")
        expect(desk.page.locator(".empty")).to_contain_text("Không tải được danh sách")
    desk.wait_rows()


def test_server_that_has_lost_its_own_data_is_stale(server: MockServer, desk: Desk) -> None:
    """A server that beats but says that it has seen nothing new for long is shown as stale, with that age."""
    server.order("lag", s=40)
    desk.expect_phase("stale")
    expect(desk.page.locator(".live-age")).to_have_text(re.compile(r"^4\d giây$"))
    server.order("lag", s=0.1)
    desk.expect_phase("live")


def test_incident_that_leaves_the_readers_scope_leaves_the_list(server: MockServer, desk: Desk) -> None:
    """What the feed calls gone is taken off the list."""
    id_ = desk.page.locator(".row").first.get_attribute("data-id")
    server.order("gone", id=id_)
    expect(desk.page.locator(f".row[data-id={id_}]")).to_have_count(0)
    desk.expect_count(41)
