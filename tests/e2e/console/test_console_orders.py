from __future__ import annotations

import threading

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


def test_next_after_an_acknowledgement_is_the_next_that_waits(desk: Desk) -> None:
    """The row that was acknowledged keeps its place until the next is chosen: a and j walk through what waits."""
    first, second = desk.titles()[:2]
    desk.page.keyboard.press("j")
    expect(desk.action("ack")).to_be_enabled()
    desk.page.keyboard.press("a")
    expect(desk.page.locator(".row.selected .status")).to_have_text("Đã tiếp nhận")
    assert desk.titles()[:2] == [first, second]
    ids = desk.page.locator(".row").evaluate_all("rows => rows.map((row) => row.dataset.id)")
    desk.page.keyboard.press("j")
    expect(desk.page.locator(".row.selected")).to_have_attribute("data-id", ids[1])
    expect(desk.page.locator(".row").first).to_have_attribute("data-id", ids[1])


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


TRAPPED = {"change": "commented", "actor": "Lê Văn Gác", "detail": {"text": "Còn người kẹt"}}


def test_order_is_for_what_was_read_not_for_what_the_list_knows(server: MockServer, desk: Desk) -> None:
    """While a change is not on the screen yet nobody ends the incident, and any other order is told of it first."""
    desk.page.keyboard.press("j")
    expect(desk.action("resolve")).to_be_enabled()
    id_ = desk.page.locator(".detail").get_attribute("data-id")
    with desk.failing(f"**/v1/incidents/{id_}"):
        server.order("change", id=id_, **TRAPPED)
        expect(desk.action("resolve")).to_be_disabled()
        expect(desk.page.locator(".detail-body .note.bad")).to_contain_text("Chưa đọc lại được sự cố này")
        desk.page.keyboard.press("r")
        expect(desk.page.locator("form.order")).to_have_count(0)
        desk.action("ack").click()
        expect(desk.page.locator(".conflict")).to_contain_text("Lê Văn Gác ghi chú")
        expect(desk.page.locator(".detail .status").first).to_have_text("Mới")
    expect(desk.page.locator("blockquote")).to_have_text("Còn người kẹt")
    expect(desk.action("resolve")).to_be_enabled()


def test_open_form_waits_for_what_came_meanwhile(server: MockServer, desk: Desk) -> None:
    """A form that is open when somebody else writes cannot be sent before the screen shows what they wrote."""
    desk.page.keyboard.press("j")
    desk.action("resolve").click()
    id_ = desk.page.locator(".detail").get_attribute("data-id")
    send = desk.page.locator("form.order button.primary")
    with desk.failing(f"**/v1/incidents/{id_}"):
        server.order("change", id=id_, **TRAPPED)
        expect(send).to_be_disabled()
    expect(send).to_be_enabled()
    expect(desk.page.locator("blockquote")).to_have_text("Còn người kẹt")


def test_details_follow_changes_that_come_without_a_pause(server: MockServer, desk: Desk) -> None:
    """The timeline grows while changes stream in faster than it is drawn, not only after the last of them."""
    desk.page.keyboard.press("j")
    expect(desk.action("comment")).to_be_enabled()
    id_ = desk.page.locator(".detail").get_attribute("data-id")
    over = threading.Event()

    def storm() -> None:
        while not over.is_set():
            server.order("change", id=id_, **TRAPPED)

    thread = threading.Thread(target=storm)
    thread.start()
    try:
        expect(desk.page.locator("blockquote").first).to_have_text("Còn người kẹt")
    finally:
        over.set()
        thread.join()


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
