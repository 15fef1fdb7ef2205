"""One client's stream, the same for both transports: hello, what it missed, then live, with a beat between."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field

from api.config import FeedConfig
from api.feed.broadcaster import Broadcaster, HistoryGoneError
from api.feed.cursor import Reset, resume
from api.feed.filter import Filter
from api.feed.frame import Frame, Packet
from schemas.errors import BackpressureError

#: How long to wait before asking a store again that did not answer, in seconds.
RETRY_S = 0.5
#: How long a new client waits for a feed that has just started, in seconds.
OPEN_S = 5.0


@dataclass(slots=True)
class Stream:
    """One reader of the feed.

    `actor` is who reads, `since` the client's last id as it said it, `now_text` gives the server's time as text,
    `still_valid` asks whether the reader may still read (every `recheck_s`).
    """

    broadcaster: Broadcaster
    actor: str
    filter: Filter
    since: str | None
    config: FeedConfig
    now_text: Callable[[], str]
    still_valid: Callable[[], Awaitable[bool]]
    cursor: int = 0
    epoch: int = 0
    live: bool = False
    _greeting: list[Packet] = field(default_factory=list)
    _beat_at: float = 0.0
    _check_at: float = 0.0
    _was_live: bool = False

    async def open(self) -> None:
        """Fix where the stream begins; raises BackpressureError when the store is away (before anything was sent)."""
        try:
            async with asyncio.timeout(OPEN_S):
                await self.broadcaster.ready.wait()
        except TimeoutError as error:
            raise BackpressureError("the feed has not been read yet") from error
        head, tail = await self.broadcaster.bounds()
        start = resume(self.since, head=head, tail=tail)
        self.cursor, self.epoch = start.after, self.broadcaster.epoch
        now = time.monotonic()
        self._beat_at, self._check_at = now + self.config.beat_s, now + self.config.recheck_s
        data = {"feed_id": head, "oldest": tail, "server_time": self.now_text(), "resumed": start.resumed}
        # Cut before its first beat, a client comes back from here. One that is reset must not: cut between hello and
        # reset it has to come back with the id that cannot be continued, and be told again.
        hello = Packet("hello", data, None if start.reset else self.cursor)
        self._greeting = [hello] if start.reset is None else [hello, self._reset(start.reset)]

    def fresh(self, now_s: float) -> list[Packet] | None:
        """Give a live client's news and beat at `now_s`; None when more than that is to be done: see `missed`."""
        feed = self.broadcaster
        if feed.closed or now_s >= self._check_at or self.epoch != feed.epoch or feed.behind(self.cursor):
            return None
        piece = self._take(feed.ready_after(self.cursor)) if feed.position > self.cursor else []
        if now_s >= self._beat_at:
            piece.append(self._beat(now_s))
        return piece

    async def missed(self) -> AsyncGenerator[list[Packet]]:
        """Give the messages in pieces, after `open`, until the client has everything (`live`) or must go."""
        self.live = False
        if self._greeting:
            yield self._greeting
            self._greeting = []
        while not self.broadcaster.closed:
            now_s = time.monotonic()
            if now_s >= self._check_at and not await self._may_stay(now_s):
                return
            piece, last = await self._next()
            if now_s >= self._beat_at:
                piece.append(self._beat(now_s))
            if piece:
                yield piece
            if last:
                return
            if self.live:
                self._was_live = True
                return

    async def _next(self) -> tuple[list[Packet], bool]:
        """Give the next piece, and whether it is the last one; without a piece the client may be live now."""
        if self.epoch != self.broadcaster.epoch:
            return [self._restart(Reset.HISTORY_GONE)], False
        if self._was_live and self.broadcaster.behind(self.cursor):
            self.broadcaster.cut += 1
            return [self._restart(Reset.TOO_SLOW)], True
        try:
            frames = await self.broadcaster.after(self.cursor)
        except HistoryGoneError:
            return [self._restart(Reset.HISTORY_GONE)], False
        except BackpressureError:
            await self.broadcaster.moved(self.broadcaster.position, RETRY_S)
            return [], False
        self.live = not frames
        return self._take(frames), False

    def _take(self, frames: list[Frame]) -> list[Packet]:
        if frames:
            self.cursor = frames[-1].feed_id
        return [packet for frame in frames if (packet := self.filter.packet(frame))]

    def _restart(self, reason: Reset) -> Packet:
        self.cursor, self.epoch = self.broadcaster.position, self.broadcaster.epoch
        return self._reset(reason)

    def _reset(self, reason: Reset) -> Packet:
        return Packet("reset", {"reason": reason, "feed_id": self.cursor}, self.cursor)

    def _beat(self, now_s: float) -> Packet:
        self._beat_at = now_s + self.config.beat_s
        lag_s = self.broadcaster.lag_s
        data = {"feed_id": self.cursor, "server_time": self.now_text(), "lag_s": lag_s and round(lag_s, 3)}
        # Its id moves the client's cursor over changes that its filter held back.
        return Packet("beat", data, self.cursor)

    async def _may_stay(self, now_s: float) -> bool:
        self._check_at = now_s + self.config.recheck_s
        try:
            return await self.still_valid()
        except BackpressureError:
            return True  # nothing new can be read either while the store is away
