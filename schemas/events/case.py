"""An administrative file moved."""

from __future__ import annotations

from datetime import datetime

from schemas.events.base import Event


class Case(Event, frozen=True, tag="case.v1", tag_field="type"):
    """One step of a file: number, procedure, the office that holds it, and its due time."""

    case_no: str
    status: str
    procedure: str = ""
    agency: str = ""
    due_at: datetime | None = None
