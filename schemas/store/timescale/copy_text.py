"""Turns frames into what PostgreSQL reads fast: CSV for COPY, and array literals for unnest (see arrays.py)."""

from __future__ import annotations

import re

import polars as pl

from schemas.store.timescale.arrays import array, array_of

#: RFC 3339 in UTC, microseconds; PostgreSQL reads it whatever its DateStyle.
_TIME = "%Y-%m-%dT%H:%M:%S%.6f+00:00"
#: Words that stand in an array literal as they are; NULL would be no word.
_PLAIN = re.compile(r"(?!null$)[\w.:/+-]+", re.IGNORECASE)


def csv(frame: pl.DataFrame) -> bytes:
    """Give the rows as CSV (RFC 4180) with tabs: null is empty, an empty text is quoted, a list an array literal."""
    text = frame.with_columns(
        _array_literals(column) if column.dtype.is_nested() else _times(column)
        for column in frame.iter_columns()
        if column.dtype.is_nested() or column.dtype.is_temporal()
    )
    return text.write_csv(include_header=False, separator="\t", quote_style="necessary").encode()


def literal(column: pl.Series) -> str:
    """Give a column as one array literal, to be cast to its type by the query."""
    if column.dtype == pl.String:
        return array_of(column.to_list())
    if column.dtype.is_temporal():
        column = _times(column)
    return "{" + ",".join(column.cast(pl.String).fill_null("NULL").to_list()) + "}"


def _times(column: pl.Series) -> pl.Series:
    """Give times as text; the different ones are mostly few, and each is written once."""
    few = column.unique().sort()
    return few.dt.to_string(_TIME).gather(few.search_sorted(column)).alias(column.name)


def _array_literals(lists: pl.Series) -> pl.Series | pl.Expr:
    """Give each list of words as an array literal."""
    if not lists.list.len().max():
        return pl.lit("{}").alias(lists.name)
    if _all_plain(lists.explode()):
        return pl.concat_str(pl.lit("{"), pl.col(lists.name).list.join(","), pl.lit("}")).alias(lists.name)
    return pl.Series(lists.name, [array(tuple(words)) for words in lists.to_list()])


def _all_plain(words: pl.Series) -> bool:
    """Tell whether no word needs quoting; few different words make up most columns."""
    return all(_PLAIN.fullmatch(word) for word in words.unique().to_list() if word is not None)
