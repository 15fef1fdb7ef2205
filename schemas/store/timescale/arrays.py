"""Writes array literals: reads words, bytes or a column of a frame, gives the text that PostgreSQL reads as an array.

psycopg asks a regular expression of every element, which took a quarter of a worker's time where much is told
(signals, incidents, the outbox: each a JSON text full of quotes). Here a column is escaped as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import polars as pl
import psycopg
from psycopg.adapt import AdaptersMap
from psycopg.types.array import ListDumper

#: In no text that PostgreSQL takes, so words can be joined by it.
_NUL = "\0"
#: RFC 3339 in UTC, microseconds; PostgreSQL reads it whatever its DateStyle.
_TIME = "%Y-%m-%dT%H:%M:%S%.6f+00:00"


@lru_cache(maxsize=4096)
def array(words: tuple[str, ...]) -> str:
    """Give the text[] literal of a row: arrays of arrays cannot be unnested, and few different ones make up a batch."""
    return array_of(words)


def array_of(words: Sequence[str]) -> str:
    """Give a text[] literal that nobody asks for again, such as that of a whole column: none is remembered.

    Raises DataError, as the server would, for a word with NUL.
    """
    if not words:
        return "{}"
    joined = _NUL.join(words).replace("\\", "\\\\").replace('"', '\\"')
    if joined.count(_NUL) != len(words) - 1:
        raise psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
    return '{"' + joined.replace(_NUL, '","') + '"}'


def bytes_array_of(values: Sequence[bytes]) -> str:
    """Give a bytea[] literal."""
    return "{" + ",".join([r"\\x" + value.hex() for value in values]) + "}"


def numbers_array_of(values: Sequence[float]) -> str:
    """Give a literal of an array of whole numbers or of floats."""
    return "{" + ",".join(map(repr, values)) + "}"


def column_literal(column: pl.Series) -> str:
    """Give a column of texts, times or numbers as one literal, to be cast to its type by the query."""
    if column.dtype == pl.String:
        return array_of(column.to_list())
    if column.dtype.is_temporal():
        column = _times(column)
    return "{" + ",".join(column.cast(pl.String).fill_null("NULL").to_list()) + "}"


def _times(column: pl.Series) -> pl.Series:
    """Give times as text; the different ones are mostly few, and each is written once."""
    few = column.unique().sort()
    return few.dt.to_string(_TIME).gather(few.search_sorted(column))


_WRITERS: dict[type, Callable[[Any], str]] = {
    str: array_of, bytes: bytes_array_of, int: numbers_array_of, float: numbers_array_of,
}  # fmt: skip


class ColumnDumper(ListDumper):
    """Dumps a list of text, bytes or numbers as a whole; what is mixed or anything else goes psycopg's way."""

    def dump(self, obj: list[Any]) -> Any:
        """Give the literal, as bytes."""
        kinds = set(map(type, obj))
        write = _WRITERS.get(kinds.pop()) if len(kinds) == 1 else None
        return write(obj).encode() if write else super().dump(obj)


#: What connections are made with: all lists that they are given are dumped by `ColumnDumper`.
ADAPTERS = AdaptersMap(psycopg.adapters)
ADAPTERS.register_dumper(list, ColumnDumper)
