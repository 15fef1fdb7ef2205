"""Carries out a person's order on an incident: one commit with the change and its audit line, or a telling refusal."""

from __future__ import annotations

from api.context import Context
from api.problem import CONFLICT, ILLEGAL_ORDER, INVALID, NOT_FOUND, ProblemError
from api.security.audit import Outcome, entry
from api.security.guard import Principal
from api.shapes import OrderBody, OrderDone
from schemas.errors import ConflictError, PoisonMessageError, UsageError
from schemas.events import Incident, IncidentWrite, Text
from schemas.store.abstract import Commit
from schemas.store.security import AuditEntry
from schemas.text import clean
from streams.incidents import lifecycle

_NO_INCIDENT = Text(vi="Không có sự cố này, hoặc không thuộc phạm vi của bạn.", en="No such incident for you.")
_CHANGED = Text(
    vi="Sự cố đã thay đổi từ khi bạn xem; hãy xem lại rồi quyết định.",
    en="The incident has changed since you saw it; look again, then decide.",
)
#: Names of agencies and people are short.
NAME_BYTES = 200
#: What an order must carry, for the answer that names it.
_NEEDS = {"assign": "agency", "comment": "text"}


async def find(context: Context, reader: Principal, incident_id: str) -> Incident:
    """Give an incident that the reader may see; raises ProblemError 404 in every other case."""
    incident = await context.store.incident(incident_id, reader.scope)
    if incident is None:
        raise ProblemError(NOT_FOUND, _NO_INCIDENT)
    return incident


def actions(incident: Incident, reader: Principal) -> list[str]:
    """Give what the reader may do with the incident as it stands."""
    return lifecycle.allowed(incident, reader.account.role) if reader.account else []


async def carry_out(context: Context, who: Principal, incident_id: str, action: str, body: OrderBody) -> OrderDone:
    """Do it, or raise ProblemError: 404 not theirs to see, 409 somebody was first, 422 not possible or incomplete."""
    incident = await find(context, who, incident_id)
    if incident.version != body.expected_version:
        raise await _conflict(context, who, incident, action, body)
    given = await _order(context, who, action, body)
    try:
        write = _step(incident, given)
    except ProblemError as refusal:
        why = str(refusal.detail)
        await context.store.audit(_audit(context, who, action, body, incident, outcome=Outcome.REFUSED, why=why))
        raise
    done = _audit(context, who, action, body, incident, outcome=Outcome.DONE)
    try:
        committed = await context.store.commit(Commit(incidents=(write,), audit=(done,)))
    except ConflictError as error:
        current = await find(context, who, incident_id)
        raise await _conflict(context, who, current, action, body) from error
    return OrderDone(incident=write.incident, feed_id=committed.feed_ids[-1])


async def _order(context: Context, who: Principal, action: str, body: OrderBody) -> lifecycle.Order:
    try:
        text = clean(body.text, "text")
        assignee = clean(body.assignee, "assignee", limit_bytes=NAME_BYTES) if body.assignee else None
    except PoisonMessageError as error:
        raise ProblemError(INVALID, str(error), field=error.field) from error
    if body.agency and body.agency not in {agency.id for agency in await context.store.agencies()}:
        raise ProblemError(INVALID, "no such agency", field="agency", fix="choose one of GET /v1/agencies")
    return lifecycle.Order(
        action=action,
        actor=who.actor,
        role=who.account.role if who.account else "",
        at=context.clock(),
        text=text,
        agency=body.agency or None,
        assignee=assignee,
    )


def _step(incident: Incident, given: lifecycle.Order) -> IncidentWrite:
    try:
        return lifecycle.order(incident, given)
    except UsageError as error:
        able = lifecycle.allowed(incident, given.role)
        if given.action in able:
            raise ProblemError(INVALID, str(error), field=_NEEDS.get(given.action, "agency")) from error
        raise ProblemError(ILLEGAL_ORDER, str(error), allowed=able, incident_status=incident.status) from error


async def _conflict(context: Context, who: Principal, current: Incident, action: str, body: OrderBody) -> ProblemError:
    await context.store.audit(_audit(context, who, action, body, current, outcome=Outcome.CONFLICT))
    timeline = await context.store.timeline(current.id)
    return ProblemError(
        CONFLICT,
        _CHANGED,
        incident=current,
        expected_version=body.expected_version,
        actual_version=current.version,
        changes=[step.change for step in timeline if step.change.version > body.expected_version],
    )


def _audit(
    context: Context,
    who: Principal,
    action: str,
    body: OrderBody,
    incident: Incident,
    *,
    outcome: Outcome,
    why: str = "",
) -> AuditEntry:
    """Give the line: what was ordered, of which version, and to whom it was handed."""
    told = {"version": str(incident.version), "agency": body.agency, "assignee": body.assignee, "why": why}
    detail = {name: value for name, value in told.items() if value}
    return entry(context.clock(), who.actor, action, f"incident:{incident.id}", outcome, **detail)
