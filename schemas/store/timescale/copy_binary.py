"""Turns a frame into PostgreSQL's binary COPY format: nothing to parse for a server that has much to take in.

The format: https://www.postgresql.org/docs/17/sql-copy.html#id-1.9.3.55.9.4; of each type, its `*_recv` function. All
numbers are big-endian: for each row the number of its fields, for each field its length in bytes (-1 for null) and its
content.

All of a column is put in place at once: each field knows its bytes in each row (`sizes`, with the length), so where
each begins is a running sum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

Bytes = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.int64]
#: Which rows: their numbers, or all of them.
Rows = Numbers | slice

#: Signature, flags, length of the header's extension; and the number of fields that ends it all.
_HEADER, _TRAILER = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
#: PostgreSQL counts microseconds from 2000-01-01.
_EPOCH_US = 946_684_800_000_000
_NULL = -1
_TEXT_OID = 25
#: Bytes of a number of fields, of a length, and of a float8 or timestamptz.
_COUNT, _LENGTH, _FIXED = 2, 4, 8
#: Bytes of an array without elements (dimensions, flags, type), and of one's head (that, their number, the first's).
_EMPTY_ARRAY, _ARRAY_HEAD = 12, 20


def binary(frame: pl.DataFrame) -> memoryview:
    """Give the rows: text, float8, text[] and timestamptz (from datetimes in UTC, microseconds); any may be null.

    Raises KeyError for a column of another type.
    """
    fields = [_FIELDS[column.dtype.base_type()](column) for column in frame.iter_columns()]
    sizes = reduce(np.add, (field.sizes for field in fields), np.full(frame.height, _COUNT))
    out = np.empty(len(_HEADER) + int(sizes.sum()) + len(_TRAILER), np.uint8)
    out[: len(_HEADER)] = np.frombuffer(_HEADER, np.uint8)
    out[len(out) - len(_TRAILER) :] = np.frombuffer(_TRAILER, np.uint8)
    at = len(_HEADER) + _begins(sizes)
    _put(out, at, np.full(frame.height, len(fields), ">i2"))
    at += _COUNT
    for field in fields:
        field.write(out, at)
        at += field.sizes
    return out.data


class _Field(Protocol):
    """A column: its bytes in each row, and how to put all of them where they belong."""

    @property
    def sizes(self) -> Numbers: ...

    def write(self, out: Bytes, at: Numbers) -> None: ...


@dataclass(frozen=True, slots=True)
class _Fixed:
    """Floats or times: of the rows that have one."""

    content: npt.NDArray[Any]
    there: npt.NDArray[np.bool_]
    sizes: Numbers

    @classmethod
    def of(cls, column: pl.Series) -> _Fixed:
        there = column.is_not_null().to_numpy() if column.null_count() else np.ones(len(column), np.bool_)
        content = (column.drop_nulls() if column.null_count() else column).to_physical().to_numpy()
        if column.dtype.is_temporal():
            content = content - _EPOCH_US
        return cls(content, there, _LENGTH + _FIXED * there)

    def write(self, out: Bytes, at: Numbers) -> None:
        if len(self.content) < len(at):
            nothing = at[~self.there]
            _put(out, nothing, _words(len(nothing), _NULL))
            at = at[self.there]
        rows = np.empty(len(at), [("length", ">i4"), ("content", self.content.dtype.newbyteorder(">"))])
        rows["length"], rows["content"] = _FIXED, self.content
        _put(out, at, rows)


@dataclass(frozen=True, slots=True)
class _Texts:
    """Texts: the bytes of all, one after the other, and of each their number."""

    content: Bytes
    lengths: Numbers
    sizes: Numbers

    @classmethod
    def of(cls, column: pl.Series) -> _Texts:
        lengths = _numbers(column.str.len_bytes())
        content = np.frombuffer((column.str.join("").item() or "").encode(), np.uint8)
        return cls(content, lengths, _LENGTH + np.maximum(lengths, 0))

    def write(self, out: Bytes, at: Numbers) -> None:
        _put(out, at, self.lengths.astype(">i4"))
        held = self.sizes - _LENGTH
        begins, at = _begins(held), at + _LENGTH
        for length, rows in _by_size(held):
            _windows(out, length)[at[rows]] = _windows(self.content, length)[begins[rows]]


@dataclass(frozen=True, slots=True)
class _Lists:
    """Lists of texts: all texts, and of each list the number of its own."""

    texts: _Texts
    counts: Numbers
    sizes: Numbers

    @classmethod
    def of(cls, column: pl.Series) -> _Lists:
        counts = _numbers(column.list.len())
        texts = _Texts.of(column.explode(empty_as_null=False, keep_nulls=False))
        held = np.maximum(counts, 0)
        until = np.concatenate([[0], np.cumsum(texts.sizes)])
        first = _begins(held)
        heads = np.select([counts > 0, counts == 0], [_ARRAY_HEAD, _EMPTY_ARRAY])
        return cls(texts, counts, _LENGTH + heads + until[first + held] - until[first])

    def write(self, out: Bytes, at: Numbers) -> None:
        none, empty, full = (np.flatnonzero(which) for which in (self.counts < 0, self.counts == 0, self.counts > 0))
        _put(out, at[none], _words(len(none), _NULL))
        _put(out, at[empty], _words(len(empty), _EMPTY_ARRAY, 0, 0, _TEXT_OID))
        counts, at = self.counts[full], at[full]
        _put(out, at, _words(len(full), self.sizes[full] - _LENGTH, 1, 0, _TEXT_OID, counts, 1))
        begins = _begins(self.texts.sizes)
        moved = at + _LENGTH + _ARRAY_HEAD - begins[_begins(counts)]
        self.texts.write(out, begins + np.repeat(moved, counts))


_FIELDS: Mapping[type, Callable[[pl.Series], _Field]] = {
    pl.Float64: _Fixed.of, pl.Datetime: _Fixed.of, pl.String: _Texts.of, pl.List: _Lists.of,
}  # fmt: skip


def _numbers(lengths: pl.Series) -> Numbers:
    """Give lengths; null is -1."""
    known = lengths.cast(pl.Int64).fill_null(_NULL) if lengths.null_count() else lengths
    return known.to_numpy().astype(np.int64)


def _begins(sizes: Numbers) -> Numbers:
    """Give where each begins when one follows the other."""
    return np.cumsum(sizes) - sizes


def _by_size(sizes: Numbers) -> Iterator[tuple[int, Rows]]:
    """Give the rows of each size but nothing: they can be moved at once, and most columns have few sizes."""
    different = np.flatnonzero(np.bincount(sizes)).tolist()
    for size in filter(None, different):
        yield size, slice(None) if len(different) == 1 else np.flatnonzero(sizes == size)


def _words(count: int, *each: int | Numbers) -> npt.NDArray[np.void]:
    """Give rows of numbers of four bytes."""
    rows = np.empty((count, len(each)), ">i4")
    for i, number in enumerate(each):
        rows[:, i] = number
    return rows.view(np.dtype((np.void, 4 * len(each)))).reshape(count)


def _put(out: Bytes, at: Numbers, rows: npt.NDArray[Any]) -> None:
    """Write each row where it belongs."""
    if len(rows):
        size = rows.dtype.itemsize
        _windows(out, size)[at] = rows.view(np.dtype((np.void, size)))


def _windows(content: Bytes, size: int) -> npt.NDArray[np.void]:
    """Give the bytes from each one on, as one thing: NumPy moves those three times as fast as rows of bytes."""
    return np.ndarray((len(content) - size + 1,), np.dtype((np.void, size)), content, 0, (1,))
