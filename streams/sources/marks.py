"""Marks of many rows at once: a row's marks are a small number until the few different ones are spelled out."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntFlag

import numpy as np
import numpy.typing as npt
import polars as pl

from schemas.events import Mark
from streams.sources.observe import SCHEMA


class Oddity(IntFlag):
    """What can be odd about one row, beside what is true of all rows of its plan."""

    FUTURE = 1
    LATE = 2
    NO_PLACE = 4
    OUT_OF_RANGE = 8


_WORDS = {
    Oddity.FUTURE: Mark.FUTURE,
    Oddity.LATE: Mark.LATE,
    Oddity.NO_PLACE: Mark.NO_PLACE,
    Oddity.OUT_OF_RANGE: Mark.OUT_OF_RANGE,
}
#: What a plan's own number is multiplied by.
_STEP = 16


class MarkTable:
    """Numbers the sets of marks that plans have."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, ...], int] = {}

    def number(self, marks: tuple[str, ...]) -> int:
        """Give the number of a set."""
        return self._numbers.setdefault(marks, len(self._numbers))

    def column(self, plans: npt.NDArray[np.int64], oddities: Mapping[Oddity, npt.NDArray[np.bool_]]) -> pl.Series:
        """Give the marks of each row, sorted: those of its plan's set and those of its oddities."""
        codes = plans * _STEP
        for oddity, rows in oddities.items():
            codes += rows * oddity.value
        known = list(self._numbers)
        unique, inverse = np.unique(codes, return_inverse=True)
        words = [_spelled(known[code // _STEP], Oddity(code % _STEP)) for code in unique.tolist()]
        return pl.Series("marks", words, dtype=SCHEMA["marks"]).gather(inverse)


def _spelled(marks: tuple[str, ...], oddities: Oddity) -> list[str]:
    return sorted([*marks, *(_WORDS[oddity].value for oddity in oddities)])
