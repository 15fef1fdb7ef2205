"""Asks the server what it is, gives what may be used of it: plain PostgreSQL, TimescaleDB Apache or full edition."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.errors import UsageError
from schemas.store.timescale.statements import Connection

#: Older ones lost rows on INSERT .. SELECT .. ON CONFLICT into compressed chunks (timescaledb issue 7672).
LEAST_TIMESCALE = (2, 19)
#: PostgreSQL 15, as `server_version_num` writes it.
LEAST_SERVER = 150_000

_ASK = """
SELECT current_setting('server_version'), current_setting('server_version_num')::int, current_setting('TimeZone'),
       (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'),
       current_setting('timescaledb.license', true),
       EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_trgm')
"""


@dataclass(frozen=True, slots=True)
class Edition:
    """What a server is. `name` is plain, apache or timescale; `trigrams` tells of an index for searches."""

    name: str = "plain"
    server: str = ""
    timescale: str = ""
    time_zone: str = ""
    trigrams: bool = False

    @property
    def hypertables(self) -> bool:
        """Tell whether tables can be chunked by time."""
        return self.name != "plain"

    @property
    def policies(self) -> bool:
        """Tell whether the server compresses, rolls up and drops by itself."""
        return self.name == "timescale"

    @property
    def version(self) -> str:
        """Give the versions in one line."""
        return f"PostgreSQL {self.server}" + (f", TimescaleDB {self.timescale}" if self.timescale else "")


async def ask(connection: Connection) -> Edition:
    """Ask the server; raises UsageError when it is too old to be trusted with data."""
    row = await (await connection.execute(_ASK)).fetchone()
    if row is None:  # a SELECT without FROM gives one row
        raise UsageError("the database gave no answer to SELECT: is a proxy in between?")
    server, number, time_zone, timescale, license_name, trigrams = row
    if number < LEAST_SERVER:
        raise UsageError(f"PostgreSQL {server} is too old: Canh needs 15 or newer")
    if timescale is not None and version_of(timescale) < LEAST_TIMESCALE:
        raise UsageError(
            f"TimescaleDB {timescale} can lose rows: install 2.19 or newer, then run ALTER EXTENSION timescaledb UPDATE"
        )
    name = "plain" if timescale is None else "timescale" if license_name == "timescale" else "apache"
    return Edition(name, server, timescale or "", time_zone, trigrams)


def version_of(text: str) -> tuple[int, ...]:
    """Give the numbers of a version such as "2.23.1-dev"."""
    return tuple(int(part) for part in text.split("-", maxsplit=1)[0].split(".") if part.isdigit())
