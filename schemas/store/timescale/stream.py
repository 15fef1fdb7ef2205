"""What the hops need of the database: commits, offsets, states, the outbox."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from schemas.standing import Reach, Standing
from schemas.store.abstract import Commit, Committed, Offset, RuleState
from schemas.store.newest import Newest
from schemas.store.outbox import OutboxItem
from schemas.store.timescale.bulk import Optimism
from schemas.store.timescale.commit import OFFSET, write
from schemas.store.timescale.failures import CLASHES, translated
from schemas.store.timescale.outbox import Turn, items, turn
from schemas.store.timescale.pool import Pooled
from schemas.store.timescale.seen import DeviceCache
from schemas.store.timescale.standing import standing
from schemas.store.timescale.work import Work, fields

#: Two transactions may meet; a third time says that the server is overloaded.
TRIES = 3


class Stream(Pooled):
    """The role `StreamStore`."""

    def __init__(self, dsn: str, **given: Any) -> None:
        super().__init__(dsn, **given)
        self._devices = DeviceCache()
        self._optimism = Optimism()
        self._owed: dict[str, Newest] = {}

    async def commit(self, commit: Commit) -> Committed:
        """Write all of it in one transaction; see `StreamStore.commit`."""
        with translated():
            for attempt in range(1, TRIES):
                try:
                    return await self._commit(commit)
                except CLASHES:
                    await asyncio.sleep(random.uniform(0, 0.02 * attempt))  # noqa: S311 -- jitter, no secret
            return await self._commit(commit)

    async def _commit(self, commit: Commit) -> Committed:
        async with self._pool.connection() as connection:
            work = Work(connection, commit, Newest(self._devices.placed))
            if commit == Commit(offset=commit.offset) and work.writer not in self._owed:
                await connection.set_autocommit(True)  # one statement: no journeys to begin and to commit
            if not commit.newest_later:
                work.newest.add_owed(self._owed.get(work.writer))
            done = await write(work, self._devices, self._optimism)
        self._devices.learn(list(work.newest.devices.values()))
        if not commit.newest_later:
            self._owed.pop(work.writer, None)
        elif commit.observations is not None or commit.events:
            self._owed.setdefault(work.writer, Newest()).add_owed(work.newest)
        return done

    async def offsets(self, hop: str, topic: str) -> list[Offset]:
        """Give how far a hop has come in each partition of a topic."""
        return [Offset(*row) for row in await self.rows("offsets", {"hop": hop, "topic": topic})]

    async def reset_offset(self, offset: Offset) -> None:
        """Set an offset, backwards too."""
        await self.rows("reset_offset", fields(offset, OFFSET))

    async def rule_states(self, topic: str, partition: int) -> list[RuleState]:
        """Give all rule states of a partition."""
        return [RuleState(*row) for row in await self.rows("rule_states", {"topic": topic, "partition": partition})]

    async def standing(self, reaches: Sequence[Reach]) -> Standing:
        """Give how things stand for the signals of these reaches."""
        async with self.alone() as connection:
            return await standing(connection, reaches)

    async def outbox(self, limit: int) -> list[OutboxItem]:
        """Give the oldest waiting records, in order."""
        return items(await self.rows("outbox", {"limit": limit}))

    @asynccontextmanager
    async def outbox_turn(self) -> AsyncIterator[Turn]:
        """Wait until no other relay has the outbox, then have it, on a connection of its own."""
        with translated():
            connection = await self.connect()
        async with turn(connection) as mine:
            yield mine
