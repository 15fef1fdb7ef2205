"""Moves the outbox to its topics: what a transaction wrote there reaches the broker at least once, in order.

Woken by the store right after a commit. Of all workers' relays one at a time has the turn, so nothing overtakes; the
round that was under way when a turn was lost is sent again by the next one, in order.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from schemas.bus.abstract import Message, Publisher
from schemas.errors import BackpressureError, PoisonMessageError
from schemas.events import DeadLetter
from schemas.store.abstract import Commit, StreamStore
from schemas.store.outbox import OutboxItem, OutboxTurn
from streams.hop import BACKOFF_S
from streams.metrics import OUTBOX_WAITING

logger = logging.getLogger(__name__)

#: Records moved in one round.
ROUND = 500
#: A lost notification costs at most this.
IDLE_S = 1.0


class Relay:
    """Runs until stopped; of all workers' relays only the one that has the turn moves anything."""

    def __init__(self, store: StreamStore, publisher: Publisher, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._publisher = publisher
        self._clock = clock

    async def run(self) -> None:
        """Move rounds for ever; while something is away, give the turn up, wait and repeat."""
        tries = 0
        while True:
            try:
                async with self._store.outbox_turn() as turn:
                    logger.info("relay.has the turn")
                    while True:
                        moved = await self.move(turn)
                        tries = 0
                        if moved < ROUND:
                            await turn.more(IDLE_S)
            except BackpressureError as error:
                logger.warning("relay.waits: %s", error)
                await asyncio.sleep(BACKOFF_S[min(tries, len(BACKOFF_S) - 1)])
                tries += 1

    async def move(self, turn: OutboxTurn) -> int:
        """Move one round; give how many records went. A crash between the two steps sends them again."""
        items = await turn.waiting(ROUND)
        OUTBOX_WAITING.set(len(items))
        if items:
            try:
                await self._publisher.send([_message(item) for item in items])
            except PoisonMessageError:
                await self._one_by_one(items)
            await turn.done([item.id for item in items])
        return len(items)

    async def _one_by_one(self, items: Sequence[OutboxItem]) -> None:
        """Send all but what the broker will never take: that goes to the dead letters and holds up nobody."""
        for item in items:
            try:
                await self._publisher.send([_message(item)])
            except PoisonMessageError as error:
                logger.error("relay.refused: a record for %s: %s", item.topic, error)  # noqa: TRY400 -- expected here
                await self._store.commit(Commit(dead_letters=[self._letter(item, error)]))

    def _letter(self, item: OutboxItem, error: PoisonMessageError) -> DeadLetter:
        headers = {name: value.decode("utf-8", "replace") for name, value in item.headers}
        return DeadLetter(
            id=DeadLetter.identity("", error.reason, item.value, headers=headers),
            source="",
            reason=error.reason,
            field=error.field,
            message=str(error),
            topic=item.topic,
            partition=-1,  # it never got one
            offset=item.id,
            received_at=self._clock(),
            raw=item.value,
            headers=headers,
        )


def _message(item: OutboxItem) -> Message:
    return Message(item.topic, item.value, key=item.key.encode(), headers=list(item.headers))
