"""The binary COPY format, read back by psycopg; that PostgreSQL reads it is for the store's contract to show."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import adapters
from psycopg.adapt import Transformer
from psycopg.pq import Format

from schemas.store.timescale.copy_binary import binary

#: Of each type: what a frame calls it, its name in PostgreSQL, and values.
WORDS = st.text(st.characters(codec="utf-8"), max_size=12)
TIMES = st.datetimes(datetime(1970, 1, 1), datetime(2199, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
KINDS: dict[str, tuple[Any, str, st.SearchStrategy[Any]]] = {
    "text": (pl.String, "text", WORDS),
    "number": (pl.Float64, "float8", st.floats(allow_nan=False)),
    "time": (pl.Datetime("us", "UTC"), "timestamptz", TIMES),
    "texts": (pl.List(pl.String), "text[]", st.lists(st.none() | WORDS, max_size=3)),
}


def rows_of(raw: bytes | memoryview, types: list[str]) -> Iterator[tuple[Any, ...]]:
    """Read a whole COPY."""
    data = bytes(raw)
    assert data[:19] == b"PGCOPY\n\xff\r\n\0" + bytes(8)
    read = Transformer()
    read.set_loader_types([_oid(name) for name in types], Format.BINARY)
    at = 19
    while (count := struct.unpack_from(">h", data, at)[0]) >= 0:
        fields: list[bytes | None] = []
        at += 2
        for _ in range(count):
            (size,) = struct.unpack_from(">i", data, at)
            fields.append(None if size < 0 else data[at + 4 : at + 4 + size])
            at += 4 + max(size, 0)
        yield read.load_sequence(fields)
    assert at + 2 == len(data)


def _oid(name: str) -> int:
    known = adapters.types[name.removesuffix("[]")]
    return known.array_oid if name.endswith("[]") else known.oid


@st.composite
def frames(draw: st.DrawFn) -> tuple[pl.DataFrame, list[str]]:
    """Give a frame of some columns, each with or without nulls, and the columns' types."""
    chosen = draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=5))
    height = draw(st.integers(0, 6))
    columns = {}
    for i, kind in enumerate(chosen):
        dtype, _, values = KINDS[kind]
        each = draw(st.sampled_from([values, st.none() | values, st.none()]))
        columns[str(i)] = pl.Series(draw(st.lists(each, min_size=height, max_size=height)), dtype=dtype)
    return pl.DataFrame(columns), [KINDS[kind][1] for kind in chosen]


@given(frames())
def test_all_is_read_as_it_was(given: tuple[pl.DataFrame, list[str]]) -> None:
    frame, types = given
    assert list(rows_of(binary(frame), types)) == frame.rows()


def test_numbers_that_are_none_stay_so() -> None:
    frame = pl.DataFrame({"value": [float("nan"), float("-inf"), -0.0]})
    assert repr(list(rows_of(binary(frame), ["float8"]))) == "[(nan,), (-inf,), (-0.0,)]"


def test_many_rows_of_many_lengths_keep_their_order() -> None:
    numbers = range(5_000)
    frame = pl.DataFrame({"a": [f"{n}" * (n % 7) for n in numbers], "b": [["x" * (n % 9)] * (n % 3) for n in numbers]})
    assert list(rows_of(binary(frame), ["text", "text[]"])) == frame.rows()


def test_a_slice_is_written_alone() -> None:
    """A batch is often a part of another one, with its columns' memory."""
    frame = pl.DataFrame({"a": ["one", "two", "three"], "b": [["1"], ["2", "3"], []]})
    assert list(rows_of(binary(frame[1:]), ["text", "text[]"])) == [("two", ["2", "3"]), ("three", [])]


def test_a_column_that_observations_do_not_have_is_refused() -> None:
    with pytest.raises(KeyError):
        binary(pl.DataFrame({"a": [1]}))
