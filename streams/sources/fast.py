"""The fast lane of the edge: native observations straight to columns; what is not plain goes the slow way.

Each record is decoded by itself: joining many into one JSON array would save nothing, and two broken halves of
neighbours could then read as one good event. All that follows is done for a whole run of records at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from geo.projection import WGS84
from schemas.events import Source
from schemas.limits import MAX_ITEMS, MAX_MESSAGE_BYTES
from streams.sources.abstract import RawRecord
from streams.sources.checks import NEWEST, OLDEST
from streams.sources.documents import TRUNCATED_HEADER
from streams.sources.known import Known
from streams.sources.marks import MarkTable, Oddity
from streams.sources.observe import SCHEMA, unlocated
from streams.sources.plans import PlanTable

#: Headers that say that the value is not the message as it is.
_CHANGED = frozenset({"content-encoding", TRUNCATED_HEADER})
_NO_TIME = -(2**63)
_OLDEST_US, _NEWEST_US = (round(at.timestamp() * 1e6) for at in (OLDEST, NEWEST))

Numbers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
_Aware = Annotated[datetime, msgspec.Meta(tz=True)]


class _Reading(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    metric: str
    value: float
    unit: str | msgspec.UnsetType | None = msgspec.UNSET
    observed_at: str | msgspec.UnsetType = msgspec.UNSET


class _Event(msgspec.Struct, forbid_unknown_fields=True, tag="observation", tag_field="type", gc=False):
    """A native observation, alone or packed; anything else fails to decode and goes the slow way."""

    device: str
    metric: str | None = None
    value: float | None = None
    unit: str | None = None
    observed_at: str | None = None
    lon: float | None = None
    lat: float | None = None
    id: str | None = None
    readings: list[_Reading] | msgspec.UnsetType = msgspec.UNSET


_one = msgspec.json.Decoder(_Event)
_many = msgspec.json.Decoder(list[_Event])


def is_replay(source: Source) -> bool:
    """Say whether a source plays history: old times are what it is for, and are not marked late."""
    return source.options.get("replay") == "true"


class Taken(NamedTuple):
    """What the fast lane made of a run: rows, the record number of each, and the numbers of records that it left."""

    frame: pl.DataFrame
    record: Numbers
    left: list[int]


class FastLane:
    """Takes whole records or leaves them alone; what it takes is row for row what the slow way gives."""

    def __init__(self, known: Known, lateness: timedelta, future: timedelta) -> None:
        self._lateness_us, self._future_us = (round(bound / timedelta(microseconds=1)) for bound in (lateness, future))
        self._marks = MarkTable()
        self._plans = PlanTable(known, self._marks.number, lambda source: not is_replay(source))

    def take(self, records: Sequence[RawRecord]) -> Taken:
        """Give the rows of all plain native records."""
        events, numbers, left = _decoded(records)
        if events:
            plans = self._plans.numbers([records[n].source for n in numbers], events)
            bad = plans < 0
            if bad.any():
                keep = self._without(bad, numbers, left)
                events, numbers = [events[i] for i in keep], [numbers[i] for i in keep]
                plans = plans[keep]
        if not events:
            return Taken(_NOTHING, np.empty(0, dtype=np.int64), sorted(left))
        frame, bad = self._frame(records, events, numbers, plans)
        record = np.array(numbers, dtype=np.int64)
        if bad.any():
            keep = self._without(bad, numbers, left)
            frame, record = frame[keep], record[keep]
        return Taken(frame, record, sorted(left))

    @staticmethod
    def _without(bad: Flags, numbers: list[int], left: list[int]) -> list[int]:
        """Leave every record that has a bad row; give the rows of the others."""
        refused = {numbers[i] for i in np.flatnonzero(bad).tolist()}
        left += refused
        return [i for i, n in enumerate(numbers) if n not in refused]

    def _frame(
        self, records: Sequence[RawRecord], events: list[_Event], numbers: list[int], plans: Numbers
    ) -> tuple[pl.DataFrame, Flags]:
        """Give all rows, and which of them are not plain after all."""
        plan = self._plans.rows(plans)
        observed, received = _times(records, events, numbers)
        lon, lat, no_place, off_earth = _places(events, plan)
        sent = pl.Series("value", [event.value for event in events], dtype=pl.Float64)
        value = self._converted(sent, plan["converts"].arg_true(), plans)
        low, high, number = (column.to_numpy() for column in (plan["low"], plan["high"], value))
        marks = self._marks.column(
            plan["marks"].to_numpy(),
            {
                Oddity.FUTURE: observed > received + self._future_us,
                Oddity.LATE: (observed < received - self._lateness_us) & plan["marks_late"].to_numpy(),
                Oddity.NO_PLACE: no_place,
                Oddity.OUT_OF_RANGE: ~((low <= number) & (number <= high)),
            },
        )
        frame = plan.select("source", "device", "metric", "source_unit").with_columns(
            _time("observed_at", observed), _time("received_at", received), value,
            sent.alias("source_value").set(~plan["keeps_sent"], None), lon, lat, marks,
        )  # fmt: skip
        bad = off_earth | (observed < _OLDEST_US) | (observed >= _NEWEST_US) | ~np.isfinite(number)
        return unlocated(frame), bad

    def _converted(self, sent: pl.Series, rows: pl.Series, plans: Numbers) -> pl.Series:
        """Give the values in the metrics' own units; those of other units are converted one by one (see `apply`)."""
        if not len(rows):
            return sent
        scales = self._plans.scales(plans[rows.to_numpy()].tolist())
        return sent.clone().scatter(
            rows, [scale.value(value) for scale, value in zip(scales, sent[rows].to_list(), strict=True)]
        )


_NOTHING = pl.DataFrame(schema=SCHEMA)


def _decoded(records: Sequence[RawRecord]) -> tuple[list[_Event], list[int], list[int]]:
    """Give one event for each row, the record number of each row, and the numbers of records that are not plain."""
    events: list[_Event] = []
    numbers: list[int] = []
    left: list[int] = []
    one, unset = _one.decode, msgspec.UNSET
    source, headers, fits = None, None, False
    for n, record in enumerate(records):  # run for every record: no calls but the decoder's
        if record.source is not source or record.headers is not headers:  # neighbours mostly share both
            source, headers = record.source, record.headers
            fits = source.format == "native" and source.srid == WGS84 and _CHANGED.isdisjoint(headers)
        value, rows = record.value, []
        if fits and len(value) <= MAX_MESSAGE_BYTES:
            try:
                event = one(value)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                rows = _packed(value)
            else:
                if (
                    event.observed_at is not None
                    and event.value is not None
                    and event.metric is not None
                    and event.readings is unset
                ):
                    events.append(event)
                    numbers.append(n)
                    continue
                rows = _within_bounds(_unpacked(event))
        events += rows
        numbers += [n] * len(rows)
        if not rows:
            left.append(n)
    return events, numbers, left


def _packed(value: bytes) -> list[_Event]:
    """Give the rows of a JSON array of events, none when it is not one or one of them is not plain."""
    try:
        unpacked = [_unpacked(event) for event in _many.decode(value)]
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return []
    return _within_bounds([row for rows in unpacked for row in rows]) if all(unpacked) else []


def _unpacked(event: _Event) -> list[_Event]:
    """Give a packed event as one event for each reading; none when a part is missing, so that all goes the slow way."""
    readings = [event] if event.readings is msgspec.UNSET else event.readings
    rows = [
        _Event(
            event.device,
            reading.metric,
            reading.value,
            event.unit if reading.unit is msgspec.UNSET else reading.unit,
            event.observed_at if reading.observed_at is msgspec.UNSET else reading.observed_at,
            event.lon,
            event.lat,
        )
        for reading in readings
    ]
    return rows if all(map(_is_whole, rows)) else []


def _within_bounds(rows: list[_Event]) -> list[_Event]:
    return rows if len(rows) <= MAX_ITEMS else []


def _is_whole(event: _Event) -> bool:
    return event.metric is not None and event.value is not None and event.observed_at is not None


def _times(records: Sequence[RawRecord], events: list[_Event], numbers: list[int]) -> tuple[Numbers, Numbers]:
    """Give when each row was observed and received, in microseconds since 1970; what is no time lies before all."""
    said = [event.observed_at for event in events]
    known = {text: _instant(text) for text in set(said)}  # mostly many rows have the same
    received, last, us = [], None, 0
    for record in records:
        at = record.received_at
        if at is not last:
            last, us = at, _microseconds(at)
        received.append(us)
    return np.array(list(map(known.__getitem__, said)), np.int64), np.array(received, np.int64)[numbers]


def _instant(text: str | None) -> int:
    """Read RFC 3339 as strictly as the decoder of JSON does: with a time zone."""
    try:
        return _microseconds(msgspec.convert(text, _Aware))
    except msgspec.ValidationError:
        return _NO_TIME


def _microseconds(at: datetime) -> int:
    # Seconds as a float, and their product, are each off by less than a quarter microsecond until the year 2106.
    return round(at.timestamp() * 1e6)


def _time(name: str, microseconds: Numbers) -> pl.Series:
    return pl.Series(name, microseconds).cast(SCHEMA[name])


def _places(events: list[_Event], plan: pl.DataFrame) -> tuple[pl.Series, pl.Series, Flags, Flags]:
    """Give lon, lat, which rows have none, and which have half a position or one off the earth."""
    lon = pl.Series("lon", [event.lon for event in events], dtype=pl.Float64)
    lat = pl.Series("lat", [event.lat for event in events], dtype=pl.Float64)
    unsaid = lon.is_null()
    half = (unsaid != lat.is_null()).to_numpy()
    off = ~(lon.is_between(-180, 180) & lat.is_between(-90, 90)).fill_null(value=True).to_numpy()
    if unsaid.any():
        lon = lon.zip_with(~unsaid, plan["lon"])
        lat = lat.zip_with(~unsaid, plan["lat"])
    return lon, lat, lon.is_null().to_numpy(), half | off
