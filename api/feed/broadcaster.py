"""Reads the store's feed once for all clients and keeps the newest changes ready; it never waits for a client."""

from __future__ import annotations

import asyncio
import contextlib
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from weakref import WeakValueDictionary

import structlog

from api.config import FeedConfig
from api.feed.frame import Frame, Latest, frame_of
from api.feed.pump import Pump
from schemas.errors import BackpressureError
from schemas.events import FeedEntry, Incident

_log = structlog.get_logger(__name__)

#: Waits between two tries when the store is away, in seconds.
BACKOFF_S = (0.1, 0.2, 0.5, 1.0, 2.0)


class FeedStore(Protocol):
    """The part of the store that has the feed."""

    async def feed_head(self) -> int:
        """Give the newest feed id."""

    async def feed_tail(self) -> int:
        """Give the oldest feed id that can still be read."""

    async def feed(self, after: int, limit: int) -> list[FeedEntry]:
        """Give feed entries after an id, in order."""

    def feed_changes(self) -> AsyncIterator[int]:
        """Wake up when the feed has moved."""

    async def timeline(self, incident_id: str) -> list[FeedEntry]:
        """Give all changes of an incident."""

    async def incidents_by_id(self, ids: Sequence[str]) -> list[Incident]:
        """Give incidents as they stand now."""


@dataclass(slots=True)
class _Ring:
    """The newest changes in feed order; it holds everything after `floor`."""

    size: int
    floor: int = 0
    ids: list[int] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    #: How the incidents of these frames stand; an entry goes with its incident's last frame.
    latest: WeakValueDictionary[str, Latest] = field(default_factory=WeakValueDictionary)

    def stands(self, incident: Incident) -> Latest:
        """Give what the frames of an incident share, brought up to date."""
        latest = self.latest.setdefault(incident.id, Latest(incident))
        latest.incident = incident
        return latest

    def add(self, frames: list[Frame]) -> None:
        self.ids += [frame.feed_id for frame in frames]
        self.frames += frames
        surplus = len(self.ids) - self.size
        if surplus > 0:
            self.floor = self.ids[surplus - 1]
            del self.ids[:surplus], self.frames[:surplus]

    def after(self, cursor: int, limit: int) -> list[Frame]:
        begin = bisect_right(self.ids, cursor)
        return self.frames[begin : begin + limit]

    def restart(self, floor: int) -> None:
        self.floor = floor
        self.ids.clear()
        self.frames.clear()


class HistoryGoneError(Exception):
    """What a client still needs can no longer be read: it must be reset."""


class Broadcaster:
    """One per process.

    A client keeps a cursor and takes its next changes from the ring, so its queue is the ring's bounded tail and
    costs no memory of its own. `position` is the newest feed id that is ready, `cut` how many clients were too slow.
    `epoch` rises when the feed went backwards or lost history: every client is reset then.
    """

    def __init__(self, store: FeedStore, config: FeedConfig) -> None:
        self._store = store
        self._config = config
        self._ring = _Ring(config.ring)
        self._moved = asyncio.Event()
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._seen_at: float | None = None
        self.position = 0
        self._told = 0
        self.epoch = 0
        self._open: Counter[str] = Counter()
        self.cut = 0
        self.ready = asyncio.Event()
        self.closed = False
        self.pump = Pump(config.beat_s)

    async def start(self) -> None:
        """Begin to read; returns at once, also when the store is away (then it goes on trying)."""
        work = (self._read(), self._listen(), self.pump.run(self._news))
        self._tasks = [asyncio.create_task(each) for each in work]

    async def stop(self) -> None:
        """End all streams and the reader."""
        self.close_streams()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []

    def close_streams(self) -> None:
        """Let every client go, so that the server can go down at once."""
        self.closed = True
        self._announce()
        self.pump.end_all()

    @property
    def lag_s(self) -> float | None:
        """Seconds since everything the store had was ready here; None before the first time."""
        return None if self._seen_at is None else time.monotonic() - self._seen_at

    @property
    def clients(self) -> int:
        """How many feeds are open."""
        return self._open.total()

    def open_of(self, actor: str) -> int:
        """Give how many feeds somebody has open."""
        return self._open.get(actor, 0)

    def enter(self, actor: str) -> None:
        """Count a feed in."""
        self._open[actor] += 1

    def leave(self, actor: str) -> None:
        """Count a feed out."""
        self._open[actor] -= 1
        if not self._open[actor]:
            del self._open[actor]

    def behind(self, cursor: int) -> bool:
        """Say whether a cursor has fallen out of the ring."""
        return cursor < self._ring.floor

    async def bounds(self) -> tuple[int, int]:
        """Give the newest feed id and the oldest that can be read, from the store.

        A client may know more than this process has read: its list, or another process, gave it a newer id.
        """
        return await self._store.feed_head(), await self._store.feed_tail()

    def ready_after(self, cursor: int) -> list[Frame]:
        """Give the next changes after a cursor that is not `behind`."""
        return self._ring.after(cursor, self._config.page)

    async def after(self, cursor: int) -> list[Frame]:
        """Give the next changes after a cursor, from the ring or, when older, from the store.

        Raises HistoryGoneError when some of them can no longer be read, BackpressureError when the store is away.
        """
        if not self.behind(cursor):
            return self.ready_after(cursor)
        entries = await self._store.feed(cursor, self._config.page)
        await self._check_whole(cursor, entries)
        now = await self._store.incidents_by_id(sorted({entry.incident.id for entry in entries}))
        latest = {incident.id: Latest(incident) for incident in now}
        return [await frame_of(entry, self._store, latest.get(entry.incident.id)) for entry in entries]

    async def moved(self, cursor: int, timeout_s: float) -> None:
        """Wait until there is something after a cursor, the streams end, or the time is over."""
        if self.position > cursor or self.closed:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._moved.wait()

    async def _news(self, timeout_s: float) -> bool:
        await self.moved(self._told, timeout_s)
        self._told = self.position
        return not self.closed

    async def _check_whole(self, cursor: int, entries: list[FeedEntry]) -> None:
        # Ids may have gaps, so only the tail, asked after the read, tells a gap from history that was deleted.
        whole = bool(entries) and entries[0].feed_id == cursor + 1
        if not whole and await self._store.feed_tail() > cursor + 1:
            raise HistoryGoneError

    async def _read(self) -> None:
        tries = 0
        started = False
        while True:
            try:
                if not started:
                    await self._begin()
                    started = True
                await self._catch_up()
                tries = 0
            except BackpressureError as error:
                _log.warning("feed: the store does not answer", error=str(error), tries=tries)
                await asyncio.sleep(BACKOFF_S[min(tries, len(BACKOFF_S) - 1)])
                tries += 1
                started = False  # the store may come back with another past
            else:
                await self._sleep()

    async def _begin(self) -> None:
        head = await self._store.feed_head()
        if not self.ready.is_set():
            self._restart(head)
            self.ready.set()
        elif head < self.position or await self._store.feed_tail() > self.position + 1:
            _log.warning("feed: its history changed; all clients are reset", head=head, position=self.position)
            self.epoch += 1
            self._restart(head)
            self._announce()

    async def _catch_up(self) -> None:
        while True:
            asked_at = time.monotonic()
            entries = await self._store.feed(self.position, self._config.page)
            if entries:
                stands = [self._ring.stands(entry.incident) for entry in entries]
                self._ring.add([await frame_of(e, self._store, s) for e, s in zip(entries, stands, strict=True)])
                self.position = entries[-1].feed_id
                self._announce()
                await asyncio.sleep(0)  # the clients get a turn before the next page
            if len(entries) < self._config.page:
                self._seen_at = asked_at
                return

    def _restart(self, head: int) -> None:
        self.position = head
        self._ring.restart(head)

    def _announce(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()

    async def _sleep(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._config.poll_s):
                await self._wake.wait()
        self._wake.clear()

    async def _listen(self) -> None:
        while True:
            with contextlib.suppress(BackpressureError):
                async for _ in self._store.feed_changes():
                    self._wake.set()
            await asyncio.sleep(self._config.poll_s)  # polling goes on meanwhile
