"""Holds a micro-batch as columns: Polars for all conditions, plain lists for the few rows that matter."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from schemas.events import Mark, Observation, ObservationBatch, PriorityEvent
from streams.rules.columns import COLUMNS
from streams.rules.rows import EventRows, Flags, FrameRows, Numbers, Rows
from streams.rules.to_polars import DTYPES


@dataclass(frozen=True, slots=True)
class Lookups:
    """What rules know of the registry; the caller gives a new one when the registry changes.

    `cadence_s` maps source to seconds between two events of a device, `home_zone` unit to zone id, `titles` an id
    (device, unit, commune code, zone id) to the name that a person reads. `distance_m(zone id, lon, lat)` gives metres
    from a place to a zone (0 inside, None when the zone is unknown).
    """

    cadence_s: Mapping[str, float] = field(default_factory=dict)
    home_zone: Mapping[str, str] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    distance_m: Callable[[str, float, float], float | None] | None = None


#: For rules that ask the registry nothing.
NO_LOOKUPS = Lookups()


class Table:
    """Events of one type; `pick` the rows that matter, then ask for their columns as lists.

    Registry columns (`cadence_s`, `home_zone`, `home_distance_m`) are looked up when they are first asked for.
    """

    def __init__(self, kind: str, rows: Rows, lookups: Lookups) -> None:
        self.kind = kind
        self._rows = rows
        self._lookups = lookups
        self._found: dict[str, pl.Series] = {}
        self._lists: dict[str, Sequence[Any]] = {}
        self._ids: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self._rows)

    @classmethod
    def of_batch(cls, batch: ObservationBatch, lookups: Lookups) -> Table:
        """Take a batch of observations without copying it."""
        return cls("observation", FrameRows(batch.frame), lookups)

    @classmethod
    def of_events(cls, kind: str, events: Sequence[PriorityEvent], lookups: Lookups) -> Table:
        """Take events of one type."""
        return cls(kind, EventRows.of(kind, events), lookups)

    def pick(self, rows: Sequence[int] | Numbers) -> Table:
        """Give a table of some rows, in the order of their numbers here."""
        return Table(self.kind, self._rows.pick(rows), self._lookups)

    def series(self, name: str) -> pl.Series:
        """Give one column."""
        if name in self._rows.names:
            return self._rows.series(name)
        if name not in self._found:
            self._found[name] = self._look_up(name)
        return self._found[name]

    def column(self, name: str) -> Sequence[Any]:
        """Give one column as a list."""
        if name not in self._lists:
            self._lists[name] = self._rows.column(name) if name in self._rows.names else self.series(name).to_list()
        return self._lists[name]

    def frame(self, names: Iterable[str]) -> pl.DataFrame:
        """Give a frame of these columns, with the row number in front."""
        return pl.DataFrame([self.series(name) for name in sorted(names)]).with_row_index("#")

    def rows_of_metric(self, metric: str | None) -> Numbers:
        """Give the row numbers of a metric, of all rows for None."""
        if metric is None:
            return np.arange(len(self))
        return self.series("metric").eq(metric).arg_true().to_numpy().astype(np.int64)

    def among(self, name: str, words: Collection[str], rows: Numbers) -> Flags:
        """Say of some rows whether they have one of these words in a column."""
        if name in self._rows.names:
            return self._rows.among(name, words, rows)
        return FrameRows(self.series(name).to_frame()).among(name, words, rows)

    def future(self) -> Flags:
        """Say of each row whether its clock is ahead."""
        return self._rows.marked(Mark.FUTURE)

    def credible(self) -> Table:
        """Leave out the rows that prove no more than that their sender lives: no other condition looks at them.

        A clock that is ahead would make rules deaf until then; a value that cannot be (a fault code such as 65535)
        would raise what is not there, or clear what is.
        """
        odd = self.future() | self._rows.marked(Mark.OUT_OF_RANGE)
        return self.pick(np.flatnonzero(~odd)) if odd.any() else self

    def rows_of(self, name: str) -> Mapping[str, list[int]]:
        """Give the row numbers of each key of a column (`zone`: of each zone that holds the row), NULL left out."""
        found: dict[str, list[int]] = {}
        for i, held in enumerate(self.column("zone_ids" if name == "zone" else name)):
            for key in held if name == "zone" else (held,):
                if key is not None:
                    found.setdefault(str(key), []).append(i)
        return found

    def event_id(self, i: int) -> str:
        """Give the id of row i; that of an observation follows from its content: 10 us, and many rules ask for it."""
        if self.kind != "observation":
            return str(self.column("id")[i])
        if i not in self._ids:
            who = (self.column(name)[i] for name in ("device", "metric", "observed_at"))
            self._ids[i] = Observation.identity(*who)
        return self._ids[i]

    def number(self, name: str | None, i: int) -> float | None:
        """Give a number of row i, None when there is none."""
        found = self.column(name)[i] if name else None
        return float(found) if isinstance(found, int | float) else None

    @cached_property
    def places(self) -> Sequence[tuple[float | None, float | None, str | None]]:
        """Longitude, latitude and commune of each row."""
        return list(zip(self.column("lon"), self.column("lat"), self.column("commune"), strict=True))

    @cached_property
    def senders(self) -> Sequence[tuple[str | None, str | None]]:
        """Device (of a position: unit) and metric of each row, None where events of this type have none."""
        nobody: Sequence[Any] = [None] * len(self)
        names = self._rows.names
        devices = next((self.column(name) for name in ("device", "unit") if name in names), nobody)
        return list(zip(devices, self.column("metric") if "metric" in names else nobody, strict=True))

    @cached_property
    def simulated(self) -> Sequence[bool]:
        """Say of each row whether the simulator made it."""
        return list(self._rows.marked(Mark.SIMULATED).tolist())

    def cadences(self) -> dict[str, float | None]:
        """Give the cadence of each source of the rows, None where the registry says none."""
        return {source: self._lookups.cadence_s.get(source) for source in self.series("source").unique()}

    def _look_up(self, name: str) -> pl.Series:
        if name == "cadence_s":
            return self._of(name, "source", self._lookups.cadence_s)
        if name == "home_zone":
            return self._of(name, "unit", self._lookups.home_zone)
        return pl.Series(name, [self._home_distance_m(i) for i in range(len(self))], pl.Float64, strict=False)

    def _of(self, name: str, key: str, known: Mapping[str, Any]) -> pl.Series:
        keys = self.series(key)
        asked = keys.unique().drop_nulls().to_list()
        dtype = DTYPES[COLUMNS[self.kind][name]]
        return keys.replace_strict(asked, [known.get(one) for one in asked], default=None, return_dtype=dtype).alias(
            name
        )

    def _home_distance_m(self, i: int) -> float | None:
        zone, lon, lat = self.column("home_zone")[i], self.column("lon")[i], self.column("lat")[i]
        if zone is None or lon is None or lat is None:
            return None
        if zone in self.column("zone_ids")[i]:
            return 0.0
        return self._lookups.distance_m(zone, lon, lat) if self._lookups.distance_m else None
