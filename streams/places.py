"""Where observations are, as columns: each different place is spelled out once, then gathered by number."""

from __future__ import annotations

import numpy as np
import polars as pl

from geo.memory import Place
from geo.zones import ZoneIndex
from schemas.events import ObservationBatch

_SCHEMA = {name: ObservationBatch.SCHEMA[name] for name in ("commune", "zone_ids", "marks")}


class PlaceTable:
    """All places that were asked for so far: there are no more of them than pieces that zones cut the land into."""

    def __init__(self, zones: ZoneIndex) -> None:
        self.zones = zones
        self._numbers: dict[int, int] = {}  # by the identity of the place: the index keeps each for good
        self._table = pl.DataFrame(schema=_SCHEMA)

    def located(self, batch: ObservationBatch) -> ObservationBatch:
        """Fill in commune and zones of every row, and what is odd about its place."""
        frame = batch.frame
        places = self.zones.places(frame.get_column("lon").to_numpy(), frame.get_column("lat").to_numpy())
        keys = list(map(id, places))
        numbers = list(map(self._numbers.get, keys))
        if None in numbers:
            self._learn({id(place): place for place, number in zip(places, numbers, strict=True) if number is None})
            numbers = [self._numbers[key] for key in keys]
        held = self._table[np.array(numbers, dtype=np.int64)]
        frame = frame.with_columns(held.get_column("commune"), held.get_column("zone_ids"))
        marks = held.get_column("marks")
        if marks.list.len().max():
            frame = frame.with_columns(marks=pl.concat_list("marks", marks).list.unique().list.sort())
        return ObservationBatch(frame)

    def _learn(self, places: dict[int, Place]) -> None:
        rows = list(places.values())
        self._numbers |= {key: self._table.height + i for i, key in enumerate(places)}
        self._table.extend(pl.DataFrame(rows, schema=_SCHEMA, orient="row"))
