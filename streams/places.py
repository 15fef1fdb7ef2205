"""Where observations are, as columns: a place asked for before is a row of a table."""

from __future__ import annotations

from itertools import compress, repeat

import numpy as np
import numpy.typing as npt
import polars as pl

from geo.cover import MARKS
from geo.zones import ZoneIndex
from schemas.events import Mark, ObservationBatch

Column = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

#: Most places remembered, some 40 MB with their positions, and most names of zones over all of them, 16 MB.
REMEMBERED, MAX_NAMES = 131_072, 1_048_576
#: Most chunks of the table: it has one more each time that places are learned.
CHUNKS = 32
_SCHEMA = {name: ObservationBatch.SCHEMA[name] for name in ("commune", "zone_ids", "marks")}
# As lists: gathering them by number takes a quarter of making them anew.
_MARKS = pl.Series("marks", [[mark] if mark else [] for mark in MARKS], _SCHEMA["marks"])
#: Rows that many positions share: that of what is no place, and that of what is in no zone.
_SHARED = pl.DataFrame(
    {"commune": [None] * 2, "zone_ids": [[]] * 2, "marks": [[Mark.NO_PLACE.value], [Mark.OUTSIDE.value]]}, _SCHEMA
)
_NO_PLACE, _OUTSIDE = 0, 1


class PlaceTable:
    """The places of positions asked for before: sensors that stay put cost almost nothing.

    When it is full it begins anew, and what is still asked for comes back: that changes speed only, never an answer.
    """

    _rows: dict[tuple[float, float], int]
    _table: pl.DataFrame
    _names: int
    _chunked: int  # how many rows were read from a table of several chunks

    def __init__(self, zones: ZoneIndex, *, remember: int = REMEMBERED) -> None:
        self.zones = zones
        self._most = remember
        self._zone_ids = pl.Series([zone.id for zone in zones.zones], dtype=pl.String)
        self._codes = pl.Series([*(zone.code for zone in zones.zones), None], dtype=pl.String)
        self._forget()

    def __len__(self) -> int:
        return len(self._rows)

    def located(self, batch: ObservationBatch) -> ObservationBatch:
        """Fill in commune and zones of every row, and what is odd about its place."""
        if not len(batch):
            return batch
        frame = batch.frame
        lon, lat = (frame.get_column(name).to_numpy() for name in ("lon", "lat"))
        first, lengths = _runs(lon, lat)
        held = self._gathered(np.repeat(self._found(lon[first], lat[first]), lengths))
        frame = frame.with_columns(held.get_column("commune"), held.get_column("zone_ids"))
        marks = held.get_column("marks")
        if marks.list.len().max():
            frame = frame.with_columns(marks=pl.concat_list("marks", marks).list.unique().list.sort())
        return ObservationBatch(frame)

    def _found(self, lon: Column, lat: Column) -> Numbers:
        """Give the row of each position in the table, which learns those that it does not have."""
        keys = list(zip(lon.tolist(), lat.tolist(), strict=True))
        rows = np.fromiter(map(self._rows.get, keys, repeat(-1)), np.int64, len(keys))
        rows[~(np.isfinite(lon) & np.isfinite(lat))] = _NO_PLACE  # NaN is never found again
        unknown = rows < 0
        count = np.count_nonzero(unknown)
        if not count:
            return rows
        if self._rows and (len(self._rows) + count > self._most or self._names > MAX_NAMES):
            self._forget()
            return self._found(lon, lat)
        rows[unknown] = fresh = self._learn(lon[unknown], lat[unknown])
        self._rows.update(zip(compress(keys, unknown.tolist()), fresh.tolist(), strict=True))
        return rows

    def _learn(self, lon: Column, lat: Column) -> Numbers:
        """Append the places of positions that are in zones; give the row of each."""
        cover = self.zones.cover(lon, lat)
        held = np.flatnonzero(cover.counts)
        rows = np.full(len(lon), _OUTSIDE)
        rows[held] = self._table.height + np.arange(len(held))
        # What is known to be sorted is grouped in half the time.
        of = pl.Series(np.repeat(np.arange(len(lon)), cover.counts)).set_sorted()
        zones = pl.DataFrame({"#": of, "zone_ids": self._zone_ids.gather(cover.zones)})
        zones = zones.group_by("#", maintain_order=True).all()
        communes, marks = self._codes.gather(cover.commune[held]), _MARKS.gather(cover.mark[held])
        self._table.extend(zones.select(communes.alias("commune"), "zone_ids", marks))
        self._names += len(cover.zones)
        return rows

    def _gathered(self, rows: Numbers) -> pl.DataFrame:
        """Give rows of the table.

        In one chunk it is read five times as fast; to make it one costs about as much as to read all of it once.
        """
        if (chunks := self._table.n_chunks()) > 1:
            self._chunked += len(rows)
            if self._chunked >= self._table.height or chunks > CHUNKS:
                self._table, self._chunked = self._table.rechunk(), 0
        return self._table[rows]

    def _forget(self) -> None:
        self._rows = {}
        self._table = _SHARED.clone()
        self._names = self._chunked = 0


def _runs(lon: Column, lat: Column) -> tuple[Numbers, Numbers]:
    """Give where each run of rows at one place begins, and how long it is.

    Neighbours are mostly metrics of one device, or readings that it sent together. NaN is like nothing, so alone.
    """
    begins = np.ones(len(lon), np.bool_)
    begins[1:] = (lon[1:] != lon[:-1]) | (lat[1:] != lat[:-1])
    first = np.flatnonzero(begins)
    return first, np.diff(np.append(first, len(lon)))
