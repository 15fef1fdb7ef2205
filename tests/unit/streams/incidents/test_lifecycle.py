from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from schemas.errors import UsageError
from schemas.events import Change, Incident, Status, Text
from streams.incidents.lifecycle import Order, allowed, order, permits

T0 = datetime(2025, 11, 19, tzinfo=UTC)
INCIDENT = Incident(
    id="i",
    kind="fire.structure",
    title=Text(vi="Cháy", en="Fire"),
    severity=4,
    status=Status.NEW,
    opened_at=T0,
    updated_at=T0,
    last_signal_at=T0,
    version=3,
)


def given(action: str, role: str = "supervisor", **fields: Any) -> Order:
    """Give an order of a person."""
    return Order(action=action, actor="lan", role=role, at=T0 + timedelta(minutes=1), **fields)


def test_the_whole_way() -> None:
    """From new to closed, one version and one change a step."""
    held = INCIDENT
    steps = [
        ("ack", {}, Status.ACKNOWLEDGED, Change.ACKNOWLEDGED),
        ("assign", {"agency": "pccc", "assignee": "xe 1"}, Status.ASSIGNED, Change.ASSIGNED),
        ("comment", {"text": " đã liên hệ "}, Status.ASSIGNED, Change.COMMENTED),
        ("resolve", {"text": "đã dập"}, Status.RESOLVED, Change.RESOLVED),
        ("close", {}, Status.CLOSED, Change.CLOSED),
    ]
    for action, fields, status, change in steps:
        write = order(held, given(action, **fields))
        assert (write.expected_version, write.incident.version) == (held.version, held.version + 1)
        assert [(each.change, each.actor, each.status) for each in write.changes] == [(change, "lan", status)]
        held = write.incident
    assert (held.agency, held.assignee, held.severity) == ("pccc", "xe 1", 4)


@pytest.mark.parametrize(
    ("fields", "agency", "assignee"),
    [
        ({"agency": "police"}, "police", None),
        ({"agency": "police", "assignee": "đội 2"}, "police", "đội 2"),
        ({"agency": "pccc"}, "pccc", "xe 1"),
        ({"assignee": "xe 2"}, "pccc", "xe 2"),
    ],
)
def test_another_agency_does_not_get_the_first_one_s_people(
    fields: dict[str, str], agency: str, assignee: str | None
) -> None:
    """Handed over, an incident has whom the order names or nobody; within an agency it keeps who has it."""
    held = msgspec.structs.replace(INCIDENT, status=Status.ASSIGNED, agency="pccc", assignee="xe 1")
    after = order(held, given("assign", **fields)).incident
    assert (after.agency, after.assignee) == (agency, assignee)


def test_the_timeline_tells_what_was_said() -> None:
    """A change keeps text and addressee, and nothing empty."""
    (change,) = order(INCIDENT, given("comment", text=" đã gọi ")).changes
    assert change.detail == {"text": "đã gọi"}


@pytest.mark.parametrize(
    ("expected", "role", "status"),
    [
        (["ack", "assign", "comment"], "operator", Status.NEW),
        (["assign", "comment", "resolve"], "operator", Status.ASSIGNED),
        (["comment"], "operator", Status.RESOLVED),
        (["comment", "close"], "supervisor", Status.RESOLVED),
        (["comment"], "field", Status.NEW),
        ([], "viewer", Status.NEW),
        ([], "admin", Status.CLOSED),
    ],
)
def test_allowed(expected: list[str], role: str, status: Status) -> None:
    """What a role may do follows from the table."""
    assert allowed(msgspec.structs.replace(INCIDENT, status=status), role) == expected


@pytest.mark.parametrize(
    ("message", "wrong"),
    [
        ("allowed: ack, assign, comment", given("resolve")),
        ("allowed: comment", given("ack", role="field")),
        ("allowed: nothing", given("comment", role="viewer", text="x")),
        ("allowed: ack", given("explode")),
        ("needs an agency or an assignee", given("assign")),
        ("use assign", given("ack", agency="pccc")),
        ("needs a text", given("comment", text="  ")),
        ("longer than", given("comment", text="x" * 5000)),
    ],
)
def test_illegal_orders_name_what_is_allowed(message: str, wrong: Order) -> None:
    """An order that cannot be taken says why, and what can."""
    with pytest.raises(UsageError, match=message):
        order(INCIDENT, wrong)


def test_permits() -> None:
    """A role's rights can be asked without an incident."""
    assert permits("supervisor", "close")
    assert not permits("operator", "close")
    assert not permits("admin", "explode")
