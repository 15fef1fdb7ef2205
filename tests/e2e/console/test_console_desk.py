from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.e2e.console.conftest import MockServer
from tests.e2e.console.desk import Desk

pytestmark = pytest.mark.e2e

NIGHT = "canh-gac-dem"


def test_login_tells_a_wrong_password_in_words(server: MockServer, open_desk: Callable[..., Desk]) -> None:
    """A wrong password is told in words, and the right one opens the desk."""
    desk = open_desk(server.base)
    desk.login("truc", "sai")
    expect(desk.page.get_by_role("alert")).to_contain_text("không đúng")
    desk.login("truc", NIGHT)
    desk.wait_rows()
    expect(desk.page.locator(".user-name")).to_contain_text("Trần Thị Trực")


def test_list_shows_what_an_operator_needs(desk: Desk) -> None:
    """A row tells severity in words, title, place by name, status and age; the page says that data is simulated."""
    row = desk.row("Sông Ba tại Củng Sơn").first
    expect(row).to_contain_text("Thảm họa")
    expect(row).to_contain_text("Phường Buôn Ma Thuột")
    expect(row.locator(".status")).to_have_text("Mới")
    expect(row.locator(".row-age")).to_have_text(re.compile(r"^\d+ phút$"))
    expect(desk.page.locator(".top-bar .simulated")).to_have_text("Dữ liệu mô phỏng")
    desk.expect_count(42)


def test_two_thousand_rows_are_held_but_few_are_drawn(
    start_server: Callable[..., MockServer], open_desk: Callable[..., Desk]
) -> None:
    """With 2,000 incidents the list counts all, draws only those in view, and the last can be reached."""
    desk = open_desk(start_server("--incidents", "2000").base)
    desk.login("truc", NIGHT)
    desk.wait_rows()
    desk.expect_count(2000)
    assert desk.page.locator(".row").count() < 60
    desk.page.locator(".rows").evaluate("rows => { rows.scrollTop = rows.scrollHeight; }")
    expect(desk.page.locator(".row[data-id=su-co-1999]")).to_be_visible()


def test_search_works_without_accents_and_stays_in_the_address(desk: Desk) -> None:
    """Typing "song ba" finds "Sông Ba"; the search survives a reload because it is in the address."""
    desk.page.keyboard.press("/")
    desk.page.keyboard.type("song ba")
    desk.expect_count(10)  # 6 on the river Ba, 3 on the Srêpôk at Bản Đôn, 1 in Xã Sông Hinh on an alarm (báo)
    expect(desk.row("Sông Ba")).to_have_count(6)
    expect(desk.page).to_have_url(re.compile(re.escape("q=song")))
    desk.page.reload()
    desk.expect_count(10)


def test_filters_are_chips_in_the_address_and_can_be_cleared(desk: Desk) -> None:
    """Severity and status chips narrow the list, are in the address, and one click clears them."""
    desk.page.get_by_role("button", name=re.compile("^Thảm họa")).click()
    desk.expect_count(3)
    desk.page.locator(".chip-menu button", has_text="Trạng thái").click()
    desk.page.locator(".option", has_text="Mới").click()
    desk.page.keyboard.press("Escape")
    expect(desk.page.locator(".chip.on")).to_have_text(["Mới"])
    expect(desk.page).to_have_url(re.compile(re.escape("severity=5")))
    expect(desk.page).to_have_url(re.compile(re.escape("status=new")))
    desk.page.locator(".chip.clear").click()
    desk.expect_count(42)


def test_keys_walk_the_list_and_open_details(desk: Desk) -> None:
    """The keys j and k walk the list, the details follow, and Escape closes them."""
    titles = desk.titles()
    desk.page.keyboard.press("j")
    desk.page.keyboard.press("j")
    expect(desk.page.locator(".detail h2")).to_have_text(titles[1])
    desk.page.keyboard.press("k")
    expect(desk.page.locator(".detail h2")).to_have_text(titles[0])
    expect(desk.page.locator(".row.selected")).to_have_attribute("aria-selected", "true")
    desk.page.keyboard.press("Escape")
    expect(desk.page.locator(".overview")).to_be_visible()


def test_language_changes_without_a_reload(desk: Desk) -> None:
    """One click turns the whole page to English, titles too, and back, without loading anything again."""
    desk.page.evaluate("window.kept = true")
    desk.page.locator(".top-bar").get_by_role("button", name="English").click()
    expect(desk.page.locator(".live-badge b")).to_have_text("Live")
    expect(desk.row("Ba river at Cung Son above its record").first).to_contain_text("Disaster")
    expect(desk.page.locator("canh-announcer")).to_have_text("Live")
    assert desk.page.evaluate("document.documentElement.lang") == "en"
    assert desk.page.evaluate("window.kept") is True
    desk.page.locator(".top-bar").get_by_role("button", name="Tiếng Việt").click()
    expect(desk.page.locator(".live-badge b")).to_have_text("Trực tiếp")


def test_details_tell_timeline_evidence_and_measurements(desk: Desk) -> None:
    """The details hold sentences of what happened, the rule behind it, and the sensor's chart with its gap."""
    desk.find("phu lam", "Sông Ba tại Phú Lâm").click()
    detail = desk.page.locator(".detail")
    expect(detail.locator(".timeline").first).to_contain_text("Lê Văn Gác đã tiếp nhận")
    expect(detail.locator(".evidence")).to_contain_text("quy tắc flood-river v2")
    expect(detail.locator(".evidence")).to_contain_text("5,4 m")
    expect(detail.locator(".evidence")).to_contain_text("ngưỡng 3,7 m")
    expect(detail.locator(".uplot canvas")).to_be_visible()
    expect(detail).to_contain_text("1 khoảng không có dữ liệu")


def test_row_and_details_tell_the_newest_and_the_gravest_value(desk: Desk) -> None:
    """Under the title, which tells only the level, stand the newest value and that of the alarm, each with its time."""
    row = desk.find("phu lam", "Sông Ba tại Phú Lâm")
    expect(row.locator(".reading")).to_have_text(re.compile(r"^\d[\d,]* m \(\d+ [^)]+\) ?khi báo 5,4 m \(\d+ phút\)$"))
    row.click()
    expect(desk.page.locator(".detail header .reading")).to_have_text(
        re.compile(r"^\d[\d,]* m \(\d\d:\d\d( \d\d/\d\d)?\) ?khi báo 5,4 m \(\d\d:\d\d( \d\d/\d\d)?\)$")
    )


def test_chart_never_shows_one_sensor_under_the_name_of_another(desk: Desk) -> None:
    """The chart says up to when it has numbers; another tab begins empty, and says in words when it cannot load."""
    desk.find("phu lam", "Sông Ba tại Phú Lâm").click()
    chart = desk.page.locator("canh-sensor-chart")
    expect(chart.locator("canvas")).to_be_visible()
    expect(chart.locator("h3 small")).to_have_text(re.compile(r"^số liệu đến \d\d:\d\d"))
    expect(chart.locator(".extremes")).to_contain_text("Cao nhất")
    desk.page.route("**/observations?*", lambda route: route.fulfill(status=404, body='{"status": 404}'))
    chart.get_by_role("tab", name="Trạm số 2").click()
    expect(chart.locator(".note.bad")).to_contain_text("Không có số đo của thiết bị này")
    expect(chart.locator("canvas")).to_have_count(0)
    expect(chart.locator(".extremes")).to_have_count(0)


def test_overview_counts_everything_whatever_the_filters(server: MockServer, desk: Desk) -> None:
    """A filter does not make the center look calm; a number that is not known is a dash, never zero."""
    tiles = desk.page.locator(".tile b")
    expect(tiles).to_have_text(["35", "21", "11"])
    desk.page.locator("#search").fill("zzzz")
    desk.expect_count(0)
    expect(tiles).to_have_text(["35", "21", "11"])
    server.order("open", severity=5)
    expect(tiles).to_have_text(["36", "22", "12"])
    desk.page.route("**/v1/incidents/counts", lambda route: route.abort())
    server.order("open", severity=5)
    expect(tiles).to_have_text(["–", "–", "–"])


def test_sources_tell_when_they_observed_something_and_when_that_is_not_known(
    server: MockServer, open_desk: Callable[..., Desk]
) -> None:
    """A silent source shows how long it has observed nothing; states that could not be read again say of when."""
    desk = open_desk(server.base)
    desk.page.clock.install()
    desk.login("truc", NIGHT)
    sources = desk.page.locator("canh-sources")
    silent = sources.locator(".source-row", has_text="Trạm đo mưa Ea Súp").locator("small")
    expect(silent).to_have_text(re.compile("im lặng · 3 giờ.* 3 bị từ chối"))
    desk.page.route("**/v1/sources", lambda route: route.abort())
    desk.page.clock.run_for(31_000)
    expect(sources.get_by_role("alert")).to_contain_text("Không đọc lại được; trạng thái là lúc")


def test_logout_leaves_nothing_on_the_screen(desk: Desk) -> None:
    """After logging out the login screen stands alone, also after a reload."""
    desk.page.locator(".user-button").click()
    desk.page.get_by_role("button", name="Đăng xuất").click()
    expect(desk.page.locator("canh-login")).to_be_visible()
    expect(desk.page.locator(".row")).to_have_count(0)
    desk.page.reload()
    expect(desk.page.locator("canh-login")).to_be_visible()
