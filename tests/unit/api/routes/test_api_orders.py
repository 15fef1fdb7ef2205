"""Orders of people."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from schemas.errors import BackpressureError
from schemas.store.abstract import Commit, Committed
from tests.unit.api.conftest import change_incident


async def test_an_order_is_one_change_one_feed_entry_and_one_audit_line(world: Any) -> None:
    """Acknowledging gives the new incident and its place in the feed, and writes who did it."""
    operator = await world.person("operator", agency="fire")
    head = await world.store.feed_head()
    answer = await operator.post("/v1/incidents/i-fire/ack", json={"expected_version": 1, "text": "tôi xem"})
    assert answer.status_code == 200
    body = answer.json()
    assert (body["incident"]["status"], body["incident"]["version"], body["feed_id"]) == ("acknowledged", 2, head + 1)
    detail = (await operator.get("/v1/incidents/i-fire")).json()
    assert [step["change"]["change"] for step in detail["timeline"]] == ["opened", "acknowledged"]
    assert detail["timeline"][-1]["change"]["detail"]["text"] == "tôi xem"
    assert "incident" not in detail["timeline"][0]
    assert detail["actions"] == ["assign", "comment", "resolve"]
    newest = (await world.store.audit_log(1))[0][1]
    assert (newest.actor, newest.action, newest.subject, newest.outcome) == (
        "operator-fire",
        "ack",
        "incident:i-fire",
        "done",
    )


async def test_the_whole_way_of_an_incident(world: Any) -> None:
    """From new to closed, each by who may."""
    operator, supervisor = await world.person("operator"), await world.person("supervisor")
    steps = [
        (operator, "ack", {}),
        (operator, "assign", {"agency": "police"}),
        (operator, "comment", {"text": "đã gọi"}),
        (operator, "resolve", {}),
        (supervisor, "close", {}),
    ]
    for version, (who, action, more) in enumerate(steps, start=1):
        answer = await who.post(f"/v1/incidents/i-fire/{action}", json={"expected_version": version, **more})
        assert answer.status_code == 200, answer.text
    assert answer.json()["incident"]["status"] == "closed"
    assert await world.store.audit_broken_at() is None


async def test_the_second_of_two_orders_learns_what_changed(world: Any) -> None:
    """409 holds the incident as it is and every change since the version that was expected."""
    one, two = await world.person("operator", name="one"), await world.person("operator", name="two")
    await one.post("/v1/incidents/i-fire/ack", json={"expected_version": 1})
    answer = await two.post("/v1/incidents/i-fire/ack", json={"expected_version": 1})
    assert answer.status_code == 409
    body = answer.json()
    assert (body["expected_version"], body["actual_version"], body["incident"]["version"]) == (1, 2, 2)
    assert [(change["change"], change["actor"]) for change in body["changes"]] == [("acknowledged", "one")]
    assert body["type"] == "urn:canh:problem:conflict"


async def test_a_race_in_the_store_is_the_same_409(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """When somebody commits between our reading and our writing, the answer is as if they had come first."""
    operator = await world.person("operator")
    commit: Callable[[Commit], Awaitable[Committed]] = world.store.commit

    async def overtaken(given: Commit) -> Committed:
        if given.audit:
            monkeypatch.setattr(world.store, "commit", commit)
            await change_incident(world.store, "i-fire")
        return await commit(given)

    monkeypatch.setattr(world.store, "commit", overtaken)
    answer = await operator.post("/v1/incidents/i-fire/ack", json={"expected_version": 1})
    assert answer.status_code == 409
    assert answer.json()["changes"][0]["change"] == "commented"
    incident = await world.store.incident("i-fire")
    assert incident.status == "new"


async def test_an_order_that_the_state_does_not_allow_names_what_does(world: Any) -> None:
    """A new incident cannot be resolved; the answer says what can be done."""
    operator = await world.person("operator")
    answer = await operator.post("/v1/incidents/i-fire/resolve", json={"expected_version": 1})
    assert answer.status_code == 422
    assert answer.json()["allowed"] == ["ack", "assign", "comment"]
    newest = (await world.store.audit_log(1))[0][1]
    assert (newest.actor, newest.action, newest.subject, newest.outcome) == (
        "operator-all",
        "resolve",
        "incident:i-fire",
        "refused",
    )
    assert "allowed: ack, assign, comment" in newest.detail["why"]


async def test_the_log_tells_to_whom_an_incident_was_handed(world: Any) -> None:
    """Agency and person of an assignment stand in its audit line."""
    operator = await world.person("operator")
    body = {"expected_version": 1, "agency": "police", "assignee": "đội 2"}
    assert (await operator.post("/v1/incidents/i-fire/assign", json=body)).status_code == 200
    newest = (await world.store.audit_log(1))[0][1]
    assert newest.detail == {"version": "1", "agency": "police", "assignee": "đội 2"}


@pytest.mark.parametrize(
    ("action", "more", "field"),
    [
        ("assign", {}, "agency"),
        ("assign", {"agency": "no-such"}, "agency"),
        ("assign", {"assignee": "x" * 300}, "assignee"),
        ("comment", {"text": " "}, "text"),
        ("comment", {"text": "a\u0000b"}, "text"),
        ("comment", {"text": "x" * 5000}, "text"),
    ],
)
async def test_an_incomplete_order_names_the_field(world: Any, action: str, more: dict[str, str], field: str) -> None:
    """What is missing or wrong is named; nothing is written."""
    operator = await world.person("operator")
    answer = await operator.post(f"/v1/incidents/i-fire/{action}", json={"expected_version": 1, **more})
    assert answer.status_code == 422
    assert answer.json()["field"] == field
    assert (await world.store.incident("i-fire")).version == 1


@pytest.mark.parametrize("body", [b"", b"{}", b'{"expected_version":"1"}', b'{"expected_version":1,"status":"closed"}'])
async def test_a_body_of_another_shape_is_invalid(world: Any, body: bytes) -> None:
    """Unknown fields and wrong types are refused: nobody sets a status from outside."""
    operator = await world.person("operator")
    answer = await operator.post("/v1/incidents/i-fire/ack", content=body)
    assert answer.status_code == 422


async def test_a_store_that_is_away_is_503_with_the_time_to_wait(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer says to try again, and nothing of hosts."""

    async def away(commit: Commit) -> Committed:
        raise BackpressureError("connection to 10.1.2.3:5432 refused")

    operator = await world.person("operator")
    monkeypatch.setattr(world.store, "commit", away)
    answer = await operator.post("/v1/incidents/i-fire/ack", json={"expected_version": 1})
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "10.1.2.3" not in answer.text


async def test_a_person_may_hand_over_what_is_theirs_and_no_longer_sees_it(world: Any) -> None:
    """After the hand-over the order is answered, and the incident is gone for its giver."""
    fire = await world.person("operator", agency="fire")
    answer = await fire.post("/v1/incidents/i-fire/assign", json={"expected_version": 1, "agency": "police"})
    assert answer.status_code == 200
    assert (await fire.get("/v1/incidents/i-fire")).status_code == 404
