"""Writes observations: reads a frame sorted by identity, gives what was new and what clashed.

Most batches are new altogether: those go by one COPY into the table, inside a savepoint. A batch in which some row is
known already goes by COPY into a stage and INSERT from it, which compares. Measured with 5,000 rows a batch on the
embedded PostgreSQL: docs/performance.md.
"""

from __future__ import annotations

import asyncio
from collections import Counter

import polars as pl
from psycopg.errors import UniqueViolation

from schemas.sql import query
from schemas.store.content import ObservationContent, ObservationKey
from schemas.store.timescale.copy_binary import binary
from schemas.store.timescale.statements import Connection, run

#: Batches that go by the stage after several in a row that were known: a log that is read again.
MOST_SKIPPED = 63
#: Rows that are encoded in a thread: NumPy and Polars let go of the interpreter meanwhile, so the event loop goes on.
#: 16,000 rows take 12 ms and more, a thread 0.1 ms.
WORTH_A_THREAD = 1_000


class Optimism:
    """Whether the next batch is worth a plain COPY: after one that failed, ever more batches go the sure way."""

    def __init__(self) -> None:
        self._skipped = self._left = 0

    def hopeful(self) -> bool:
        """Say whether to try."""
        self._left = max(self._left - 1, 0)
        return self._left == 0

    def learn(self, *, worked: bool) -> None:
        """Note how a try ended."""
        self._skipped = 0 if worked else min(2 * self._skipped + 1, MOST_SKIPPED)
        self._left = self._skipped + 1 if self._skipped else 0


async def copy_all(connection: Connection, frame: pl.DataFrame) -> bool:
    """Write all rows; False, and nothing written, when one of them is known."""
    try:
        async with connection.transaction():
            await _copy(connection, "fill_observations", frame)
    except UniqueViolation:
        return False
    return True


async def write_new(
    connection: Connection, frame: pl.DataFrame
) -> tuple[Counter[str], dict[ObservationKey, ObservationContent]]:
    """Write the new rows; give their number by source, and what stands for keys stored with other content."""
    await _copy(connection, "fill_stage", frame)
    accepted = await _insert(connection, set(frame.get_column("source").unique().to_list()))
    if accepted.total() == frame.height:
        return accepted, {}
    clashing = await run(connection, "clashing_observations")
    return accepted, {(row[0], row[1], row[2]): (row[3], row[4], row[5]) for row in clashing}


async def _copy(connection: Connection, name: str, frame: pl.DataFrame) -> None:
    async with connection.cursor() as cursor, cursor.copy(query(name)) as copy:
        await copy.write(await asyncio.to_thread(binary, frame) if frame.height >= WORTH_A_THREAD else binary(frame))


async def _insert(connection: Connection, sources: set[str]) -> Counter[str]:
    text = query("insert_observations")
    if len(sources) > 1:
        cursor = await connection.execute(text + " RETURNING source")
        return Counter(source for (source,) in await cursor.fetchall())
    cursor = await connection.execute(text)
    return Counter({next(iter(sources)): cursor.rowcount} if sources else {})
