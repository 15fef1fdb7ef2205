"""A person tells something: a citizen's report."""

from __future__ import annotations

from schemas.events.base import Event


class Report(Event, frozen=True, tag="report.v1", tag_field="type"):
    """One report; who sent it is sealed elsewhere and never travels with it.

    `category` is an incident kind or empty, `urgency` one of urgent, normal, complex (khẩn, bình thường, phức tạp),
    `channel` how it came (app, phone, web, zalo, counter ...).
    """

    text: str
    category: str = ""
    channel: str = ""
    urgency: str = "normal"
    media: tuple[str, ...] = ()
