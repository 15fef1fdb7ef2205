"""Another system warns: weather service, fire panel, intrusion detection."""

from __future__ import annotations

from datetime import datetime

from schemas.events.base import Event


class Alert(Event, frozen=True, tag="alert.v1", tag_field="type"):
    """One warning; `severity` 1 (low) to 5 (disaster), `kind` an incident kind or the sender's own word."""

    kind: str
    headline: str
    severity: int = 2
    text: str = ""
    device: str | None = None
    expires_at: datetime | None = None
