"""Forgets what is kept no longer: by policies, by dropping chunks or by deleting rows, as the edition can."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from psycopg.errors import InsufficientPrivilege

from schemas.sql import named
from schemas.store.keep import Keep
from schemas.store.timescale.pool import Pooled
from schemas.store.timescale.read import ROLLUPS
from schemas.store.timescale.statements import fetch

logger = logging.getLogger(__name__)

Asked = Mapping[str, Any]


class Retention(Pooled):
    """The role that forgets."""

    async def retain(self, keep: Keep) -> int:
        """Forget what came longer ago than it is kept; give the chunks or rows dropped.

        The days run from when a row came, so that history that is played today is not forgotten at once. Call it
        daily. What this user may not do is logged and left: policies and chunks are the owner's (`set_policies`).
        """
        await self.set_policies(keep)
        async with self.transaction() as connection:
            ((now,),) = await fetch(connection, "SELECT now()")
        dropped = 0
        for relation, days in (("observation", keep.observations), ("event", keep.events)):
            if days is not None:
                dropped += await self._drop(relation, now - timedelta(days=days))
        if keep.events is not None:
            await self._step("event_ids_deleted", {"before": now - timedelta(days=keep.events)})
        for name, days in (("resolved_deleted", keep.resolved_letters), ("open_deleted", keep.open_letters)):
            if days is not None:
                dropped += await self._step(name, {"before": now - timedelta(days=days)})
        await self._step("raw_locked", then="raw_deleted")
        return dropped

    async def set_policies(self, keep: Keep) -> None:
        """Tell the server what to drop by itself, where it can (full edition): only the owner of the tables may."""
        if not self.edition.policies:
            return
        kept = {"observation": keep.observations, "event": keep.events, **dict.fromkeys(ROLLUPS.values(), keep.rollups)}
        for relation, days in kept.items():
            add = "add_rollup_policy" if relation in ROLLUPS.values() else "add_policy"
            asked = {"relation": relation, "days": days}
            await self._step("drop_policy", asked, then=add if days is not None else "")

    async def _drop(self, relation: str, before: datetime) -> int:
        dropped = 0
        asked = {"relation": relation, "before": before}
        if self.edition.hypertables:
            dropped += await self._step("chunks_dropped", asked)
        if not self.edition.policies:  # compressed chunks are dropped whole, never row by row
            dropped += await self._step("rows_deleted", asked)
        return dropped

    async def _step(self, name: str, asked: Asked | None = None, *, then: str = "") -> int:
        """Run a piece of timescale.sql, and another in the same transaction; give how many rows it gave or took."""
        pieces = named("timescale.sql")
        cursor = None
        try:
            async with self.transaction() as connection:
                await connection.execute("SET LOCAL statement_timeout = 0")
                for piece in (name, then) if then else (name,):
                    text = pieces[piece].replace("{relation}", str((asked or {}).get("relation")))
                    cursor = await connection.execute(text, asked)
        except InsufficientPrivilege as error:
            why = error.diag.message_primary
            logger.warning("retention.denied: %s: %s; `canh migrate` by the owner of the tables may", name, why)
            return 0
        return cursor.rowcount if cursor is not None else 0
