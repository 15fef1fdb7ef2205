"""Sends refused messages again: reads dead letters in the order in which they came, gives records for the bus."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from api.ingest.check import IngestCheck
from schemas.bus.abstract import Message, Publisher
from schemas.codec import received_again
from schemas.events import DeadLetter, Reason, Source
from schemas.store.abstract import Store
from schemas.topics import EVENTS, OBSERVATIONS, SOURCE_HEADER

#: Letters of one page; each may hold 1 MB.
PAGE = 50
#: Sent again only when named: heartbeats stay what they are, and of what was too large only the beginning is kept.
ONLY_IF_NAMED = (Reason.UNSUPPORTED.value, Reason.TOO_LARGE.value)
_CANONICAL = frozenset({OBSERVATIONS.name, EVENTS.name})


@dataclass(slots=True)
class Resend:
    """One run of `canh dlq replay`; a message goes once, however many of its items were refused."""

    store: Store
    publisher: Publisher
    check: IngestCheck
    clock: Callable[[], datetime]
    sources: Mapping[str, Source] = field(default_factory=dict)
    _sent: set[bytes] = field(default_factory=set)

    async def run(self, *, source: str | None, reason: str | None, limit: int) -> Counter[str]:
        """Send page after page and mark each once the broker has it; give how many refusals went to each topic."""
        self.sources = {each.id: each for each in await self.store.sources()}
        at = self.clock()  # before sending: what is refused again after this stays open
        without = () if reason else ONLY_IF_NAMED
        counts: Counter[str] = Counter()
        last: DeadLetter | None = None
        while (size := min(PAGE, limit - counts.total())) > 0:
            page = await self.store.waiting_dead_letters(
                until=at, source=source, reason=reason, without=without, after=last, limit=size
            )
            if not page:
                break
            await self.publisher.send(list(self._messages(page)))
            await self.store.resolve_dead_letters([letter.id for letter in page], at)
            counts.update(letter.topic for letter in page)
            last = page[-1]
        return counts

    def _messages(self, letters: Sequence[DeadLetter]) -> Iterator[Message]:
        for letter in letters:
            known = _digest(letter)
            if known not in self._sent:
                self._sent.add(known)
                yield self._again(letter)

    def _again(self, letter: DeadLetter) -> Message:
        """Give the record as it was, in its own partition: the order and the rules' states of its device are there.

        What was refused at the door never had one: it gets the key that the door would give it now.
        """
        headers = {name: text.encode() for name, text in letter.headers.items()}
        if letter.source:
            headers.setdefault(SOURCE_HEADER, letter.source.encode())
        raw = received_again(letter.raw, self.clock()) if letter.topic in _CANONICAL else letter.raw
        if letter.partition >= 0:
            return Message(letter.topic, raw, headers=list(headers.items()), partition=letter.partition)
        return Message(letter.topic, raw, key=self._key(letter, headers), headers=list(headers.items()))

    def _key(self, letter: DeadLetter, headers: Mapping[str, bytes]) -> bytes | None:
        source = self.sources.get(letter.source)
        if source is None:
            return letter.source.encode() or None
        (checked,) = self.check(source, [letter.raw], headers, letter.received_at)
        return f"{source.id}/{checked.device}".encode()


def _digest(letter: DeadLetter) -> bytes:
    """Tell messages apart: equal bytes of two sources, or under other headers, are two."""
    words = msgspec.json.encode((letter.topic, letter.source, letter.headers), order="sorted")
    return hashlib.sha256(words + b"\n" + letter.raw).digest()
