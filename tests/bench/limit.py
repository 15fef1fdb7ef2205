"""The limit: COPY of text formatted beforehand into the same table with the same indexes, on one connection."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Sequence

import psycopg

from tests.bench.stage import Stage, migrated
from tests.bench.workload import SOURCE, Reading, devices, located

#: One COPY takes a second or less, and such short times differ a lot.
TIMES = 3
_COPY = """
COPY observation (observed_at, device, metric, value, source_value, source_unit, source, received_at, lon, lat, commune,
                  zone_ids, marks) FROM STDIN"""


def measure_limit(made: Stage, work: Sequence[Reading]) -> float:
    """Give rows/s of the fastest way in that PostgreSQL has, into the same table of other databases: the median."""
    text = _copy_text(work)
    return len(work) / statistics.median(_seconds(made, text) for _ in range(TIMES))


def _seconds(made: Stage, text: bytes) -> float:
    dsn = made.database.create_database()
    asyncio.run(migrated(dsn))
    with psycopg.connect(dsn) as connection:
        begun = time.perf_counter()
        with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
            copy.write(text)
        connection.commit()
        seconds = time.perf_counter() - begun
    calm(made)
    return seconds


def calm(made: Stage) -> None:
    """Let the database write out what others have left, so that it does not slow the next measurement."""
    with psycopg.connect(made.dsn, autocommit=True) as connection:
        connection.execute("CHECKPOINT")


def _copy_text(work: Sequence[Reading]) -> bytes:
    known = devices()
    places = located(known)
    where = {device.id: (places.commune[i], ",".join(places.zone_ids[i])) for i, device in enumerate(known)}
    lines = []
    for reading in work:
        commune, held = where[reading.device.id]
        lines.append(
            f"{reading.at:%Y-%m-%d %H:%M:%S}+00\t{reading.device.id}\t{reading.metric}\t{reading.value}\t\\N\t\\N\t"
            f"{SOURCE.id}\t{reading.at:%Y-%m-%d %H:%M:%S}+00\t{reading.device.lon}\t{reading.device.lat}\t"
            f"{commune or chr(92) + 'N'}\t{{{held}}}\t{{}}\n"
        )
    return "".join(lines).encode()
