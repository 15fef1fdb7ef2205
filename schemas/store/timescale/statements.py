"""Runs SQL on a connection: reads text or a query's name, gives rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from schemas.sql import query

Connection = AsyncConnection[TupleRow]
Row = tuple[Any, ...]  # what a query gives is checked where the record is made


async def fetch(connection: Connection, text: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
    """Run SQL, give all rows (none when it gives none)."""
    cursor = await connection.execute(text, parameters)
    return await cursor.fetchall() if cursor.description else []


async def run(connection: Connection, name: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
    """Run one named query, give all rows."""
    return await fetch(connection, query(name), parameters)


async def run_together(connection: Connection, *asked: tuple[str, Mapping[str, Any]]) -> list[list[Row]]:
    """Run several named queries in one journey to the server, give all rows of each."""
    async with connection.pipeline():
        cursors = [await connection.execute(query(name), parameters) for name, parameters in asked]
    return [await cursor.fetchall() if cursor.description else [] for cursor in cursors]
