"""The thread that fetches for Faust's consumer: no more than can be begun, not too often, broker or no broker."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any

from aiokafka.errors import KafkaError
from aiokafka.structs import ConsumerRecord, OffsetAndMetadata, TopicPartition
from faust.transport.drivers import aiokafka as driver

from streams.restraint import Restraint, about_bytes
from streams.watermark import Place

logger = logging.getLogger(__name__)

#: aiokafka looks for a coordinator that is away for ever; a commit that takes longer is made later.
COMMIT_S = 3.0
#: aiokafka takes a minute and more to leave a broker that is away; it is left without a word then.
LEAVE_S = 5.0
#: So often a thread that waits for records looks whether partitions that are held may be fetched again.
HELD_LOOK_S = 0.01
#: The embedded broker answers a fetch at once, also when it has nothing (Kafka waits up to 1.5 s): 3,000 empty fetches
#: a second took a whole core. This is the least time between two of them, and the most that it delays a record.
EMPTY_FETCH_S = 0.005
#: Apache Kafka holds a fetch back while it has nothing, Faust asks for up to 1.5 s of that. A partition whose records
#: wait to be handed over is left out of the fetch (aiokafka has one under way for each broker) and then waits, too: the
#: bulk lane stood still for half a second and more.
FETCH_WAIT_MS = 50


def _unhurried(fetch: Callable[..., Awaitable[bool]]) -> Callable[..., Awaitable[bool]]:
    """Give a fetch that takes EMPTY_FETCH_S at least when nothing came."""

    async def calm(*args: Any) -> bool:
        begun = monotonic()
        found = await fetch(*args)
        early = begun + EMPTY_FETCH_S - monotonic()
        if not found and early > 0:
            with suppress(asyncio.CancelledError):  # as aiokafka's own: who cancels a fetch awaits it without a guard
                await asyncio.sleep(early)
        return found

    return calm


def _assigned(consumer: Any, places: Iterable[Place]) -> set[TopicPartition]:
    """Give the partitions that are still ours: aiokafka refuses to pause or resume any other."""
    assigned = consumer.assignment()
    return {tp for tp in (TopicPartition(place.topic, place.partition) for place in places) if tp in assigned}


class FetchThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]  # Faust has no types
    """Fetches what hops can begin soon, and keeps a broker that is away from killing the worker.

    A commit that fails is simply made later (P19).
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._links: dict[Any, Any] = {}
        self._restraint = Restraint(self.transport.watermark.in_hand, self.transport.hops_of)

    async def on_start(self) -> None:
        """Connect, and keep the fetcher from spinning and from waiting."""
        await super().on_start()
        fetcher = self._ensure_consumer()._fetcher  # noqa: SLF001 -- Faust has no setting for it
        fetcher._fetch_max_wait_ms = FETCH_WAIT_MS  # noqa: SLF001
        fetcher._proc_fetch_request = _unhurried(fetcher._proc_fetch_request)  # noqa: SLF001

    async def _fetch_records(self, consumer: Any, active: Any, timeout: float = 0.0, **more: Any) -> Any:  # noqa: ASYNC109 -- Faust's signature
        """Fetch as Faust does, but leave out partitions whose hop has enough to do (restraint.py)."""
        until = monotonic() + timeout
        while True:
            self._resume_fetching(consumer)
            left = max(until - monotonic(), 0.0)
            wait = min(left, HELD_LOOK_S) if self._restraint.held else left
            fetched = await super()._fetch_records(consumer, active, timeout=wait, **more)
            if fetched or not left or not self.consumer.flow_active:
                break
        # Without a pause in between: aiokafka fetches again as soon as this thread has time for it.
        self._pause_fetching(consumer, fetched)
        return fetched

    def _pause_fetching(self, consumer: Any, fetched: Mapping[Any, Sequence[ConsumerRecord]]) -> None:
        sizes = {Place(tp.topic, tp.partition): about_bytes(records) for tp, records in fetched.items()}
        consumer.pause(*_assigned(consumer, self._restraint.hold(sizes)))

    def _resume_fetching(self, consumer: Any) -> None:
        consumer.resume(*_assigned(consumer, self._restraint.let_go()))

    def reconnected(self) -> bool:
        """Tell whether a broker is reached over another connection than before: it may have been restarted."""
        links = dict(self._ensure_consumer()._client._conns)  # noqa: SLF001 -- aiokafka tells nobody
        changed = any(self._links.get(key, link) is not link for key, link in links.items())
        self._links |= links
        return changed

    async def on_thread_stop(self) -> None:
        """Leave the broker; one that is away holds up nobody."""
        try:
            async with asyncio.timeout(LEAVE_S):
                await super().on_thread_stop()
        except (TimeoutError, KafkaError, asyncio.CancelledError) as error:
            # aiokafka lets the end of a task of its own escape as CancelledError; mode would then never hear that this
            # thread has ended, and wait a minute for it.
            logger.warning("broker.left without a word: %r", error)

    async def _commit(self, offsets: Mapping[Any, int]) -> bool:
        consumer = self._ensure_consumer()
        assigned = self.assignment()
        wanted = {
            TopicPartition(tp.topic, tp.partition): OffsetAndMetadata(offset, "")
            for tp, offset in offsets.items()
            if tp in assigned
        }
        if not wanted:  # all were taken away meanwhile; aiokafka would end the worker for committing nothing
            return False
        try:
            async with asyncio.timeout(COMMIT_S):
                await consumer.commit(wanted)
        except (KafkaError, TimeoutError) as error:
            logger.warning("offsets.not_committed, will be repeated: %r", error)
            return False
        return True
