"""Lists of parameters come back from the server as they were given, whatever is in them."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.errors import PoisonMessageError
from schemas.store.timescale import TimescaleStore
from schemas.store.timescale.failures import translated

ODD_WORDS = [
    "",
    " ",
    "null",
    "NULL",
    "{}",
    ",",
    '"',
    "\\",
    '\\"',
    "\\\\",
    "a\nb\tc",
    "Đắk Lắk",
    '{"a":["b\\n"]}',
    "\x01",
    "'",
]
COLUMNS = [
    ("text", ODD_WORDS),
    ("text", ["a", None, "b"]),
    ("text", []),
    ("bytea", [b"", b"\x00\xff", b'{"a":1}', b"\\x41"]),
    ("bigint", [0, -1, 2**62]),
    ("float8", [0.1, -0.0, 1e-300, float("inf")]),
    ("float8", [1.5, None]),
    ("boolean", [True, False]),
]


@pytest.mark.parametrize(("kind", "values"), COLUMNS, ids=str)
async def test_a_column_comes_back_as_given(database_store: TimescaleStore, kind: str, values: list[Any]) -> None:
    """Text with quotes, backslashes and braces, bytes, numbers, and what is mixed with nothing."""
    async with database_store.transaction() as connection:
        cursor = await connection.execute(f"SELECT * FROM unnest(%(values)s::{kind}[])", {"values": values})
        found = [value for (value,) in await cursor.fetchall()]
    assert found == values


async def test_a_word_that_no_server_takes_is_a_refusal(database_store: TimescaleStore) -> None:
    """NUL stands between words while a column is escaped: one inside a word must not become two words."""
    with pytest.raises(PoisonMessageError, match="NUL"), translated():
        async with database_store.transaction() as connection:
            await connection.execute("SELECT %(values)s::text[]", {"values": ["a\0b"]})
