"""Where observations are, as columns: each different place is spelled out once, then gathered by number."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from geo.memory import Place, zones_of
from geo.zones import ZoneIndex
from schemas.events import ObservationBatch

Column = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

_SINGLE = {"commune": pl.String, "mark": pl.String}
_SCHEMA = {name: ObservationBatch.SCHEMA[name] for name in ("commune", "zone_ids", "marks")}


class PlaceTable:
    """All places that were asked for so far: there are no more of them than pieces that zones cut the land into."""

    def __init__(self, zones: ZoneIndex) -> None:
        self.zones = zones
        self._zone_ids = pl.Series([zone.id for zone in zones.zones], dtype=pl.String)
        self._numbers: dict[int, int] = {}  # by the identity of the place: the index keeps each for good
        self._table = pl.DataFrame(schema=_SCHEMA)

    def located(self, batch: ObservationBatch) -> ObservationBatch:
        """Fill in commune and zones of every row, and what is odd about its place."""
        if not len(batch):
            return batch
        frame = batch.frame
        lon, lat = (frame.get_column(name).to_numpy() for name in ("lon", "lat"))
        first, lengths = _runs(lon, lat)
        places = self.zones.places(lon[first], lat[first])
        keys = list(map(id, places))
        numbers = list(map(self._numbers.get, keys))
        if None in numbers:
            self._learn({id(place): place for place, number in zip(places, numbers, strict=True) if number is None})
            numbers = [self._numbers[key] for key in keys]
        held = self._table[np.repeat(np.array(numbers, dtype=np.int64), lengths)]
        frame = frame.with_columns(held.get_column("commune"), held.get_column("zone_ids"))
        marks = held.get_column("marks")
        if marks.list.len().max():
            frame = frame.with_columns(marks=pl.concat_list("marks", marks).list.unique().list.sort())
        return ObservationBatch(frame)

    def _learn(self, places: dict[int, Place]) -> None:
        self._numbers |= {key: self._table.height + i for i, key in enumerate(places)}
        commune, held, mark = zip(*places.values(), strict=True)
        row = np.arange(len(places))
        numbers, counts = zones_of(held)
        # What is known to be sorted is grouped and joined in half the time.
        of = pl.Series(np.repeat(row, counts)).set_sorted()
        zones = pl.DataFrame({"#": of, "zone_ids": self._zone_ids.gather(numbers)})
        table = pl.DataFrame(
            {"#": pl.Series(row).set_sorted(), "commune": commune, "mark": mark}, schema_overrides=_SINGLE
        )
        table = table.join(zones.group_by("#", maintain_order=True).all(), on="#", how="left", maintain_order="left")
        marks = pl.concat_list("mark").list.drop_nulls()
        self._table.extend(table.select("commune", pl.col("zone_ids").fill_null([]), marks.alias("marks")))


def _runs(lon: Column, lat: Column) -> tuple[Numbers, Numbers]:
    """Give where each run of rows at one place begins, and how long it is.

    Neighbours are mostly metrics of one device, or readings that it sent together. NaN is like nothing, so alone.
    """
    begins = np.ones(len(lon), np.bool_)
    begins[1:] = (lon[1:] != lon[:-1]) | (lat[1:] != lat[:-1])
    first = np.flatnonzero(begins)
    return first, np.diff(np.append(first, len(lon)))
