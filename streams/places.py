"""Where observations are, as columns: each piece of land is spelled out once, then gathered by number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from geo.pieces import Piece, zones_of
from geo.zones import ZoneIndex
from schemas.events import Mark, ObservationBatch

Column = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

#: What a piece can be marked with, as lists: gathering them by number takes a quarter of making them anew.
_MARKED: dict[str | None, list[str]] = {None: []} | {mark.value: [mark.value] for mark in Mark}
_NUMBER = {mark: number for number, mark in enumerate(_MARKED)}
_MARKS = pl.Series("marks", list(_MARKED.values()), pl.List(pl.String))
_SCHEMA = {name: ObservationBatch.SCHEMA[name] for name in ("commune", "zone_ids", "marks")}


class PlaceTable:
    """The pieces of land that the index has met, as a table by number."""

    def __init__(self, zones: ZoneIndex) -> None:
        self.zones = zones
        self._zone_ids = pl.Series([zone.id for zone in zones.zones], dtype=pl.String)
        self._table = pl.DataFrame(schema=_SCHEMA)

    def located(self, batch: ObservationBatch) -> ObservationBatch:
        """Fill in commune and zones of every row, and what is odd about its place."""
        if not len(batch):
            return batch
        frame = batch.frame
        lon, lat = (frame.get_column(name).to_numpy() for name in ("lon", "lat"))
        first, lengths = _runs(lon, lat)
        pieces = np.array(self.zones.pieces(lon[first], lat[first]))
        if pieces.max() >= self._table.height:
            self._learn(self.zones.met[self._table.height :])
        held = self._table[np.repeat(pieces, lengths)]
        frame = frame.with_columns(held.get_column("commune"), held.get_column("zone_ids"))
        marks = held.get_column("marks")
        if marks.list.len().max():
            frame = frame.with_columns(marks=pl.concat_list("marks", marks).list.unique().list.sort())
        return ObservationBatch(frame)

    def _learn(self, pieces: Sequence[Piece]) -> None:
        commune, held, mark = zip(*pieces, strict=True)
        row = np.arange(len(pieces))
        numbers, counts = zones_of(held)
        # What is known to be sorted is grouped and joined in half the time.
        of = pl.Series(np.repeat(row, counts)).set_sorted()
        zones = pl.DataFrame({"#": of, "zone_ids": self._zone_ids.gather(numbers)})
        table = pl.DataFrame({"#": pl.Series(row).set_sorted(), "commune": pl.Series(commune, dtype=pl.String)})
        table = table.join(zones.group_by("#", maintain_order=True).all(), on="#", how="left", maintain_order="left")
        marks = _MARKS.gather([_NUMBER[one] for one in mark])
        self._table.extend(table.select("commune", pl.col("zone_ids").fill_null([]), marks))


def _runs(lon: Column, lat: Column) -> tuple[Numbers, Numbers]:
    """Give where each run of rows at one place begins, and how long it is.

    Neighbours are mostly metrics of one device, or readings that it sent together. NaN is like nothing, so alone.
    """
    begins = np.ones(len(lon), np.bool_)
    begins[1:] = (lon[1:] != lon[:-1]) | (lat[1:] != lat[:-1])
    first = np.flatnonzero(begins)
    return first, np.diff(np.append(first, len(lon)))
