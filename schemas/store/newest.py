"""Reads what a commit holds, gives what is newest in it: values of devices, fixes of units, freshness of sources."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from schemas.events import DeadLetter, Detection, Event, ObservationBatch, Position
from schemas.events.base import Mark
from schemas.store.content import trusted_time

#: Stands where a metric's name does: the device is a camera or detector.
NO_METRIC = ""
#: The columns that say what a device measured last, and those that say where it is.
LATEST = {name: ObservationBatch.SCHEMA[name] for name in ("device", "metric", "observed_at", "value")}
_SEEN = ("device", "source", "lon", "lat", "commune")


@dataclass(frozen=True, slots=True)
class Seen:
    """A device as an event shows it: its source and, when known, its place."""

    id: str
    source: str
    lon: float | None
    lat: float | None
    commune: str | None


NOWHERE = Seen("", "", None, None, None)


@dataclass(slots=True)
class Freshness:
    """What a commit adds to a source: rows that were new, refusals that were new, newest times."""

    accepted: int = 0
    refused: int = 0
    last_observed_at: datetime | None = None
    last_received_at: datetime | None = None

    def see(self, observed_at: datetime | None, received_at: datetime) -> None:
        """Move the newest times; `observed_at` None leaves its own alone."""
        self.last_received_at = later(self.last_received_at, received_at)
        if observed_at is not None:
            self.last_observed_at = later(self.last_observed_at, observed_at)


@dataclass(slots=True)
class Newest:
    """All of it, collected while a commit is prepared; of the devices in `placed` the place is known already."""

    placed: Container[str] = frozenset()
    fixes: dict[str, tuple[datetime, float, float]] = field(default_factory=dict)
    devices: dict[str, Seen] = field(default_factory=dict)
    sources: dict[str, Freshness] = field(default_factory=dict)
    measured: list[pl.DataFrame] = field(default_factory=list)
    detected: dict[str, datetime] = field(default_factory=dict)

    def source(self, name: str) -> Freshness:
        """Give the entry of a source."""
        return self.sources.setdefault(name, Freshness())

    def add_observations(self, frame: pl.DataFrame) -> None:
        """Look at the rows of a batch's frame."""
        marked = frame.get_column("marks").list.len().max()
        honest = frame.filter(~pl.col("marks").list.contains(Mark.FUTURE.value)) if marked else frame
        observed = _newest_by_source(honest, "observed_at")
        for name, received_at in _newest_by_source(frame, "received_at").items():
            self.source(name).see(observed.get(name), received_at)
        self.measured.append(honest.select(list(LATEST)))
        self._see(frame)

    def _see(self, frame: pl.DataFrame) -> None:
        """Look at devices whose place is not known yet."""
        news = [id_ for id_ in frame.get_column("device").unique().to_list() if id_ not in self.placed]
        rows = frame.filter(pl.col("device").is_in(news)) if news else frame.clear()
        for id_, source, lon, lat, commune in rows.select(_SEEN).unique(maintain_order=True).iter_rows():
            if self.devices.get(id_, NOWHERE).lon is None:
                self.devices[id_] = Seen(id_, source, lon, lat, commune)

    def add_owed(self, other: Newest | None) -> None:
        """Add the values of devices that an earlier commit left for this one."""
        if other is not None:
            self.measured += other.measured
            for device, observed_at in other.detected.items():
                raise_to(self.detected, device, observed_at)

    def latest(self) -> pl.DataFrame:
        """Give the newest value of each device and metric, sorted by both: columns `LATEST`."""
        rows = [(device, NO_METRIC, observed_at, None) for device, observed_at in sorted(self.detected.items())]
        detected = pl.DataFrame(rows, schema=LATEST, orient="row")
        if not self.measured:  # alarms, one at a time mostly: these are sorted, and each is there once
            return detected
        found = pl.concat([*self.measured, detected])
        return found.sort("device", "metric", "observed_at", maintain_order=True).unique(
            ["device", "metric"], keep="last", maintain_order=True
        )

    def add_events(self, events: Sequence[Event]) -> None:
        """Look at these events."""
        for event in events:
            observed_at = event.observed_at if trusted_time(event) else None
            self.source(event.source).see(observed_at, event.received_at)
            if isinstance(event, Detection):
                self._detection(event, observed_at)
            elif isinstance(event, Position) and observed_at is not None:
                self._fix(event, observed_at)

    def add_refusals(self, letters: Iterable[DeadLetter]) -> None:
        """Look at refusals that were new."""
        for letter in letters:
            entry = self.source(letter.source)
            entry.refused += 1
            entry.see(None, letter.received_at)

    def _detection(self, event: Detection, observed_at: datetime | None) -> None:
        if self.devices.get(event.device, NOWHERE).lon is None:
            self.devices[event.device] = Seen(event.device, event.source, event.lon, event.lat, event.commune)
        if observed_at is not None:
            raise_to(self.detected, event.device, observed_at)

    def _fix(self, event: Position, observed_at: datetime) -> None:
        if event.lon is None or event.lat is None:
            return
        last = self.fixes.get(event.unit)
        if last is None or last[0] < observed_at:
            self.fixes[event.unit] = (observed_at, event.lon, event.lat)


def _newest_by_source(frame: pl.DataFrame, column: str) -> dict[str, datetime]:
    """Give the newest time of each source; a run mostly has one."""
    names = frame.get_column("source").unique().to_list()
    if len(names) == 1:
        return {names[0]: frame.get_column(column).max()}  # type: ignore[dict-item]  # the column holds times
    return dict(frame.group_by("source").agg(pl.col(column).max()).iter_rows())


def raise_to(newest: dict[str, datetime], name: str, at: datetime) -> None:
    """Keep the later of two times under a name."""
    newest[name] = later(newest.get(name), at)


def later(left: datetime | None, right: datetime) -> datetime:
    """Give the later of two times."""
    return right if left is None or right > left else left
