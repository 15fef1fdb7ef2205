"""What people may do with an incident: a table of steps, and the pure function that takes one (G9: people decide)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from schemas.errors import UsageError
from schemas.events import Change, Incident, IncidentChange, IncidentWrite, Record, Status

_ALL = frozenset(Status)
_OPEN = _ALL - {Status.CLOSED}
_DESK = frozenset({"operator", "supervisor", "admin"})
_LEADS = frozenset({"supervisor", "admin"})


class Order(Record, frozen=True):
    """What a person wants: `action` on an incident, as `role`, at `at`; what else it needs depends on the action."""

    action: str
    actor: str
    role: str
    at: datetime
    text: str = ""
    agency: str | None = None
    assignee: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One kind of order: from which statuses, to which (None: stays), by which roles, and what the timeline says."""

    sources: frozenset[Status]
    target: Status | None
    roles: frozenset[str]
    change: Change


STEPS: Mapping[str, Step] = {
    "ack": Step(frozenset({Status.NEW}), Status.ACKNOWLEDGED, _DESK, Change.ACKNOWLEDGED),
    "assign": Step(
        frozenset({Status.NEW, Status.ACKNOWLEDGED, Status.ASSIGNED}), Status.ASSIGNED, _DESK, Change.ASSIGNED
    ),
    "comment": Step(_OPEN, None, _DESK | {"field"}, Change.COMMENTED),
    "resolve": Step(frozenset({Status.ACKNOWLEDGED, Status.ASSIGNED}), Status.RESOLVED, _DESK, Change.RESOLVED),
    "close": Step(frozenset({Status.RESOLVED}), Status.CLOSED, _LEADS, Change.CLOSED),
}

MAX_TEXT = 4000


def permits(role: str, action: str) -> bool:
    """Say whether a role may ever give this order."""
    return action in STEPS and role in STEPS[action].roles


def allowed(incident: Incident, role: str) -> list[str]:
    """Give the orders that a role may give to the incident as it stands, in the usual order of work."""
    return [action for action, step in STEPS.items() if role in step.roles and incident.status in step.sources]


def order(incident: Incident, given: Order) -> IncidentWrite:
    """Take one step: the incident after it, with one change. Raises UsageError that names what is allowed instead."""
    step = STEPS.get(given.action)
    if step is None or given.role not in step.roles or incident.status not in step.sources:
        raise UsageError(_refusal(incident, given))
    _require(given)
    after = msgspec.structs.replace(
        incident,
        status=step.target or incident.status,
        agency=given.agency or incident.agency,
        assignee=_assignee(incident, given),
        updated_at=max(incident.updated_at, given.at),
        version=incident.version + 1,
    )
    return IncidentWrite(incident=after, expected_version=incident.version, changes=(_change(after, given, step),))


def _assignee(incident: Incident, given: Order) -> str | None:
    """Give who has it then: the person of one agency is not the person of the next."""
    handed_over = given.agency not in {None, incident.agency}
    return given.assignee if handed_over else given.assignee or incident.assignee


def _change(after: Incident, given: Order, step: Step) -> IncidentChange:
    told = {"text": given.text.strip(), "agency": given.agency, "assignee": given.assignee}
    return IncidentChange(
        incident=after.id,
        version=after.version,
        change=step.change,
        at=given.at,
        actor=given.actor,
        severity=after.severity,
        status=after.status,
        detail={name: value for name, value in told.items() if value},
    )


def _require(given: Order) -> None:
    if given.action == "assign" and not (given.agency or given.assignee):
        raise UsageError("assign needs an agency or an assignee")
    if given.action != "assign" and (given.agency or given.assignee):
        raise UsageError(f"{given.action} takes no agency and no assignee; use assign")
    if given.action == "comment" and not given.text.strip():
        raise UsageError("comment needs a text")
    if len(given.text) > MAX_TEXT:
        raise UsageError(f"the text is longer than {MAX_TEXT} characters")


def _refusal(incident: Incident, given: Order) -> str:
    able = ", ".join(allowed(incident, given.role)) or "nothing"
    return (
        f"{given.action!r} is not possible for a {given.role} while the incident is {incident.status}; allowed: {able}"
    )
