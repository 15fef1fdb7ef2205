"""Edge rules of observations: what the sender's metric and unit mean, and the columns that rows are gathered in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from schemas.errors import PoisonMessageError
from schemas.events import Mark, ObservationBatch, Source
from schemas.events.dead_letter import Reason
from schemas.metrics import METRICS
from schemas.units import ALIASES, UNITS, apply, canonical, factor

SCHEMA = ObservationBatch.SCHEMA


@dataclass(frozen=True, slots=True)
class Scale:
    """How a sender's value of one metric becomes ours; `unit` is its UCUM code when the value is changed by it."""

    metric: str
    unit: str | None
    scale: float
    offset: float
    low: float
    high: float
    known: bool

    def value(self, value: float) -> float:
        """Give the value in the metric's own unit; may be infinite when the sender's number is absurd."""
        return apply(value, self.scale, self.offset)

    @property
    def changes(self) -> bool:
        """Say whether the sender's number is another one in our unit."""
        return (self.scale, self.offset) != (1.0, 0.0)

    @property
    def converts(self) -> bool:
        """Say whether the sender's value and unit are worth keeping beside ours."""
        return self.known and self.unit is not None


def scale_of(source: Source, metric: str, unit: str | None) -> Scale:
    """Give how to take a metric of a source: by the source's unit map first, then by our list of metrics.

    A missing unit is the map's, else the metric's own. Raises PoisonMessageError (bad_unit).
    """
    mapped, map_unit = source.units.get(metric, (metric, None))
    code = _sender_unit(unit, map_unit)
    known = METRICS.get(mapped)
    if known is None:
        return Scale(mapped, code, 1.0, 0.0, float("-inf"), float("inf"), known=False)
    if code is None or code == known.unit:
        return Scale(mapped, None, 1.0, 0.0, known.low, known.high, known=True)
    scale, offset = factor(code, known.unit)
    return Scale(mapped, code, scale, offset, known.low, known.high, known=True)


def _sender_unit(unit: str | None, map_unit: str | None) -> str | None:
    """Let the map's unit stand in for a missing one, and say more than a bare `ppm`."""
    stated = canonical(map_unit) if map_unit else None
    if not unit:
        return stated
    if stated is not None and unit not in UNITS and unit not in ALIASES:
        return stated if unit == map_unit else canonical(unit)
    code = canonical(unit)
    return stated if stated is not None and stated.partition("{")[0] == code else code


@dataclass(slots=True)
class Columns:
    """Rows of observations gathered as columns, before places and zones are looked up."""

    source: list[str] = field(default_factory=list)
    device: list[str] = field(default_factory=list)
    metric: list[str] = field(default_factory=list)
    observed_at: list[datetime] = field(default_factory=list)
    received_at: list[datetime] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    source_value: list[float | None] = field(default_factory=list)
    source_unit: list[str | None] = field(default_factory=list)
    lon: list[float | None] = field(default_factory=list)
    lat: list[float | None] = field(default_factory=list)
    marks: list[list[str]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.device)

    def add(  # noqa: PLR0917 -- called for every reading: keywords cost time
        self,
        source: str,
        device: str,
        observed_at: datetime,
        received_at: datetime,
        sent: float,
        scale: Scale,
        place: tuple[float, float] | None,
        marks: list[str],
    ) -> None:
        """Add one row; refuses a number that the conversion makes infinite."""
        value = scale.value(sent)
        if not scale.low <= value <= scale.high:
            if value in (float("inf"), float("-inf")):
                raise PoisonMessageError(Reason.BAD_NUMBER, f"{sent} is beyond any number in our unit", field="value")
            marks.append(Mark.OUT_OF_RANGE.value)
        if len(marks) > 1:
            marks.sort()
        self.source.append(source)
        self.device.append(device)
        self.metric.append(scale.metric)
        self.observed_at.append(observed_at)
        self.received_at.append(received_at)
        self.value.append(value)
        self.source_value.append(sent if scale.converts else None)
        self.source_unit.append(scale.unit)
        self.lon.append(None if place is None else place[0])
        self.lat.append(None if place is None else place[1])
        self.marks.append(marks)

    def batch(self) -> ObservationBatch:
        """Give the columns as the batch that travels on; no zones yet."""
        if not self.device:
            return ObservationBatch.none()
        columns = {name: getattr(self, name) for name in Columns.__slots__}
        return ObservationBatch(unlocated(pl.DataFrame(columns, schema={n: SCHEMA[n] for n in columns})))


def unlocated(frame: pl.DataFrame) -> pl.DataFrame:
    """Add the columns of a batch that are filled in where zones are known."""
    nowhere = pl.lit(None, dtype=SCHEMA["commune"]).alias("commune")
    return frame.select(*list(SCHEMA)[:-3], nowhere, pl.lit([], dtype=SCHEMA["zone_ids"]).alias("zone_ids"), "marks")
