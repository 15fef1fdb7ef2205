"""What is known of a source before it sends: what its devices are called, where they are, what its metrics mean."""

from __future__ import annotations

from collections.abc import Mapping

from schemas.events import Device, Mark, Source
from streams.sources.checks import name
from streams.sources.observe import Scale, scale_of

Place = tuple[float, float] | None

#: Scales remembered for one source; more is a sender that invents metrics, and the memory starts again.
_REMEMBERED = 10_000


class Known:
    """Asks the registry; what it was told of a metric is remembered.

    Part of an `Edge` and of its fast lane, and knows neither: what points at each other stays in memory when the
    registry changes, as a worker's garbage is collected seldom.
    """

    def __init__(self, devices: Mapping[str, Device]) -> None:
        self._devices = devices
        self._scales: dict[str, tuple[Source, dict[tuple[object, object], tuple[Scale, tuple[str, ...]]]]] = {}

    def device(self, source: Source, device: object) -> tuple[str, Place]:
        """Give the clean name of a device, and its usual place; refuses what is no name."""
        clean = name(device, "device")
        return clean, self.place(source, clean)

    def place(self, source: Source, device: str | None) -> Place:
        """Give where a device is by the registry, else where its source is, else None."""
        known = self._devices.get(device) if device else None
        if known is not None and known.lon is not None and known.lat is not None:
            return known.lon, known.lat
        return None if source.lon is None or source.lat is None else (source.lon, source.lat)

    def scale(self, source: Source, metric: object, unit: object) -> tuple[Scale, tuple[str, ...]]:
        """Give how a metric of a source is taken, and the marks of all its readings; refuses bad names and units."""
        known, scales = self._scales.get(source.id, (None, {}))
        if known is not source or len(scales) > _REMEMBERED:
            scales = {}
            self._scales[source.id] = (source, scales)
        found = scales.get((metric, unit)) if isinstance(metric, str) and isinstance(unit, str | None) else None
        if found is None:
            scale = scale_of(source, name(metric, "metric"), None if unit in (None, "") else name(unit, "unit"))
            marks = source_marks(source) if scale.known else (*source_marks(source), Mark.UNKNOWN_METRIC.value)
            found = scales[metric, unit] = scale, marks
        return found


def source_marks(source: Source) -> tuple[str, ...]:
    """Give the marks of everything that a source sends: the simulator's sources say so in their options."""
    return (Mark.SIMULATED.value,) if source.options.get("simulated") == "true" else ()
