"""Drops old telemetry: by a policy of the server, by dropping chunks, or by deleting rows, as the edition can."""

from __future__ import annotations

from datetime import datetime, timedelta

from schemas.sql import named
from schemas.store.timescale.pool import Pooled
from schemas.store.timescale.statements import Connection, fetch


class Retention(Pooled):
    """The role that forgets."""

    async def retain(self, observations_days: int, events_days: int | None = None) -> int:
        """Drop observations (and events, None: keep all) that we have had for so many days; give what was dropped.

        The days run from when a row came, so that history that is played today is not forgotten at once. The full
        edition also gets this as its policy, so it goes on by itself; elsewhere call it daily.
        """
        dropped = 0
        async with self.transaction() as connection:
            await connection.execute("SET LOCAL statement_timeout = 0")
            ((now,),) = await fetch(connection, "SELECT now()")
            for relation, days in (("observation", observations_days), ("event", events_days)):
                if days is not None:
                    dropped += await self._drop(connection, relation, now, days)
        return dropped

    async def _drop(self, connection: Connection, relation: str, now: datetime, days: int) -> int:
        pieces = named("timescale.sql")
        asked = {"relation": relation, "days": days, "before": now - timedelta(days=days)}
        dropped = 0
        if self.edition.policies:
            await fetch(connection, pieces["drop_policy"], asked)
            await fetch(connection, pieces["add_policy"], asked)
        if self.edition.hypertables:
            ((dropped,),) = await fetch(connection, pieces["chunks_dropped"], asked)
        if not self.edition.policies:  # compressed chunks are dropped whole, never row by row
            cursor = await connection.execute(pieces["rows_deleted"].replace("{relation}", relation), asked)
            dropped += cursor.rowcount
        return int(dropped)
