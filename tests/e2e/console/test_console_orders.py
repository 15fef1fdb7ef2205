from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.console.conftest import MockServer
from tests.e2e.console.desk import Desk

pytestmark = pytest.mark.e2e

PAYLOAD = '<img src=x onerror="window.hit=1"><b>đậm</b>'


def test_acknowledge_with_one_key(desk: Desk) -> None:
    """The key a acknowledges the selected incident: status, timeline and the possible orders follow."""
    desk.page.keyboard.press("j")
    expect(desk.action("ack")).to_be_enabled()
    desk.page.keyboard.press("a")
    expect(desk.page.locator(".detail .status").first).to_have_text("Đã tiếp nhận")
    expect(desk.page.locator(".row.selected .status")).to_have_text("Đã tiếp nhận")
    expect(desk.page.locator(".timeline").first).to_contain_text("Trần Thị Trực đã tiếp nhận")
    expect(desk.action("ack")).to_have_count(0)


def test_assign_to_an_agency_with_words(desk: Desk) -> None:
    """Assigning asks for the agency, takes an instruction, and both stand in the timeline."""
    desk.page.keyboard.press("j")
    desk.action("assign").click()
    desk.page.locator("form.order select").select_option(label="Phòng Cảnh sát PCCC và CNCH")
    desk.page.locator("form.order textarea").fill("Cử 2 xe đến ngay")
    desk.page.locator("form.order button.primary").click()
    timeline = desk.page.locator(".timeline").first
    expect(timeline).to_contain_text("phân công cho Phòng Cảnh sát PCCC và CNCH")
    expect(timeline.locator("blockquote")).to_have_text("Cử 2 xe đến ngay")
    expect(desk.page.locator(".detail .status").first).to_have_text("Đã phân công")


def test_resolve_then_close(desk: Desk) -> None:
    """Resolving and closing ask to confirm; after closing the incident stays open on the right, closed."""
    desk.page.keyboard.press("j")
    expect(desk.action("resolve")).to_be_enabled()
    desk.page.keyboard.press("r")
    desk.page.locator("form.order button.primary").click()
    desk.action("close").click()
    desk.page.locator("form.order button.primary").click()
    expect(desk.page.locator(".detail .status").first).to_have_text("Đã đóng")


def test_conflict_tells_who_changed_what(server: MockServer, desk: Desk) -> None:
    """Somebody faster is told by name with what they did; reloading shows their state and nothing was overwritten."""
    desk.page.keyboard.press("j")
    expect(desk.action("ack")).to_be_enabled()
    server.order("rival", change="acknowledged", actor="Lê Văn Gác", state={"status": "acknowledged"})
    desk.action("ack").click()
    conflict = desk.page.locator(".conflict")
    expect(conflict).to_contain_text("Người khác vừa thay đổi")
    expect(conflict).to_contain_text("Lê Văn Gác đã tiếp nhận")
    conflict.get_by_role("button").click()
    expect(conflict).to_have_count(0)
    expect(desk.page.locator(".detail .status").first).to_have_text("Đã tiếp nhận")
    expect(desk.action("ack")).to_have_count(0)


def test_signal_in_between_does_not_disturb_an_acknowledgement(server: MockServer, desk: Desk) -> None:
    """When only a rule changed the incident in between, the acknowledgement is sent again by itself."""
    desk.page.keyboard.press("j")
    expect(desk.action("ack")).to_be_enabled()
    server.order("rival", change="signal", actor="rule:flood-river", state={})
    desk.action("ack").click()
    expect(desk.page.locator(".detail .status").first).to_have_text("Đã tiếp nhận")
    expect(desk.page.locator(".conflict")).to_have_count(0)


def test_refused_order_is_told_in_words(desk: Desk) -> None:
    """What the role does not permit is told in words beside the buttons, and the order can be tried again."""
    answer = '{"title": "forbidden", "status": 403}'
    desk.page.route("**/ack", lambda route: route.fulfill(status=403, body=answer))
    desk.page.keyboard.press("j")
    desk.action("ack").click()
    expect(desk.page.locator(".note.bad")).to_contain_text("Vai trò của bạn không được làm việc này")
    expect(desk.action("ack")).to_be_enabled()


def test_markup_in_texts_stays_text(server: MockServer, desk: Desk) -> None:
    """Markup in a title, a comment and a name is shown as it was written and never becomes part of the page."""
    server.order("open", title={"vi": PAYLOAD, "en": PAYLOAD}, severity=5, assignee=PAYLOAD)
    row = desk.row("onerror")
    expect(row.locator(".row-title")).to_have_text(PAYLOAD)
    row.click()
    expect(desk.page.locator(".detail h2")).to_have_text(PAYLOAD)
    desk.action("comment").click()
    desk.page.locator("form.order textarea").fill(PAYLOAD)
    desk.page.locator("form.order button.primary").click()
    expect(desk.page.locator("blockquote")).to_have_text(PAYLOAD)
    assert desk.page.locator("img").count() == 0
    assert desk.page.evaluate("window.hit") is None
