"""Where the columns of a table come from: a frame of observations, or events, whose columns are made when asked for.

Alarms come one at a time: to put all of one into a frame costs more than all that its rules ask of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from schemas.events import Mark, PriorityEvent
from streams.rules.columns import COLUMNS
from streams.rules.to_polars import DTYPES

#: Row numbers.
Numbers = npt.NDArray[np.int64]
#: Yes or no for each row.
Flags = npt.NDArray[np.bool_]

_TIME, _WORDS = pl.Datetime("us", "UTC"), pl.List(pl.String)
_ALWAYS = {"id": pl.String, "zone_ids": _WORDS, "marks": _WORDS, "observed_at": _TIME, "received_at": _TIME}


class Rows(Protocol):
    """Rows of one type, column by column."""

    @property
    def names(self) -> Collection[str]:
        """Give the columns that they have of their own."""

    def __len__(self) -> int:
        """Give the number of rows."""

    def series(self, name: str) -> pl.Series:
        """Give one column for conditions."""

    def column(self, name: str) -> Sequence[Any]:
        """Give one column as a list."""

    def pick(self, rows: Sequence[int] | Numbers) -> Rows:
        """Give some rows, in the order of their numbers here."""

    def among(self, name: str, words: Collection[str], rows: Numbers) -> Flags:
        """Say of some rows whether they have one of these words in a column."""

    def marked(self, mark: Mark) -> Flags:
        """Say of each row whether it has a mark."""


class FrameRows:
    """The rows of a batch of observations, without a copy."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame
        self.names = frame.columns

    def __len__(self) -> int:
        return self._frame.height

    def series(self, name: str) -> pl.Series:
        """See `Rows`."""
        return self._frame.get_column(name)

    def column(self, name: str) -> Sequence[Any]:
        """See `Rows`."""
        return self.series(name).to_list()

    def pick(self, rows: Sequence[int] | Numbers) -> FrameRows:
        """See `Rows`."""
        return FrameRows(self._frame[rows])

    def among(self, name: str, words: Collection[str], rows: Numbers) -> Flags:
        """See `Rows`."""
        return self.series(name)[rows].is_in(list(words)).fill_null(value=False).to_numpy()

    def marked(self, mark: Mark) -> Flags:
        """See `Rows`."""
        return self.series("marks").list.contains(mark.value).to_numpy()


class EventRows:
    """Events of one type, with the types of the columns that they have."""

    def __init__(self, events: Sequence[PriorityEvent], types: Mapping[str, Any]) -> None:
        self._events = events
        self._types = types
        self.names = types.keys()

    @classmethod
    def of(cls, kind: str, events: Sequence[PriorityEvent]) -> EventRows:
        """Take events, at least one."""
        return cls(events, _types(kind, type(events[0])))

    def __len__(self) -> int:
        return len(self._events)

    def series(self, name: str) -> pl.Series:
        """See `Rows`."""
        return pl.Series(name, self.column(name), dtype=self._types[name], strict=False)

    def column(self, name: str) -> Sequence[Any]:
        """See `Rows`."""
        return [getattr(event, name) for event in self._events]

    def pick(self, rows: Sequence[int] | Numbers) -> EventRows:
        """See `Rows`."""
        return EventRows([self._events[i] for i in rows], self._types)

    def among(self, name: str, words: Collection[str], rows: Numbers) -> Flags:
        """See `Rows`."""
        known, said = frozenset(words), self.column(name)
        return np.array([said[i] in known for i in rows.tolist()], np.bool_)

    def marked(self, mark: Mark) -> Flags:
        """See `Rows`."""
        return np.array([mark.value in event.marks for event in self._events], np.bool_)


@cache
def _types(kind: str, made: type[PriorityEvent]) -> dict[str, Any]:
    """Give the columns that events of a type have; the registry's are no part of them."""
    return {name: DTYPES[type_] for name, type_ in COLUMNS[kind].items() if hasattr(made, name)} | _ALWAYS
