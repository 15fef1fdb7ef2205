"""A camera or an intrusion detector saw a class of thing."""

from __future__ import annotations

from datetime import datetime

from schemas.events.base import Event


class Detection(Event, frozen=True, tag="detection.v1", tag_field="type"):
    """One sighting.

    `device` is the camera or detector, `label` the class in lower snake case (smoke, fire, person, car, crowd,
    line_crossing, intrusion, tamper, motion ...), `confidence` from 0 to 1 or None when the sender gives none,
    `count` how many were seen at once, `ended_at` None while it lasts, `track` the sender's id of the object.
    """

    device: str
    label: str
    confidence: float | None = None
    count: int | None = None
    ended_at: datetime | None = None
    track: str | None = None
    area: str | None = None
    snapshot: str | None = None

    @property
    def ended(self) -> bool:
        """Whether the sender says that it is over."""
        return self.ended_at is not None
