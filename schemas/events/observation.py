"""A number of a metric at a time and place."""

from __future__ import annotations

from datetime import datetime

from schemas.events.base import Event, derive_id


class Observation(Event, frozen=True, tag="observation.v1", tag_field="type"):
    """One measured value.

    `value` is in the metric's own unit (schemas/metrics.py); `source_value` and `source_unit` (UCUM) are what the
    sender wrote, None when nothing was converted. Its identity is (device, metric, observed_at).
    """

    device: str
    metric: str
    value: float
    source_value: float | None = None
    source_unit: str | None = None

    @staticmethod
    def identity(device: str, metric: str, observed_at: datetime) -> str:
        """Give the id of the observation of a metric by a device at a time."""
        return derive_id("observation", device, metric, observed_at.isoformat())
