"""Where a unit was."""

from __future__ import annotations

from schemas.events.base import Event


class Position(Event, frozen=True, tag="position.v1", tag_field="type"):
    """One fix of a unit; `accuracy_m` is the radius of the 68 % circle, `heading_deg` clockwise from north."""

    unit: str
    accuracy_m: float | None = None
    speed_mps: float | None = None
    heading_deg: float | None = None
    battery_pct: float | None = None
