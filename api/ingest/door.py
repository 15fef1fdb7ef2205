"""Takes the raw records of one request: asks the edge rules, records refusals, publishes the rest (G1)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from api.ingest.check import Checked, IngestCheck, Refusal
from schemas.bus.abstract import Message, Publisher
from schemas.events import DeadLetter, Reason, Source
from schemas.limits import MAX_REFUSALS
from schemas.store.abstract import Commit, StreamStore
from schemas.topics import RAW_OF_LANE, SOURCE_HEADER

#: The event loop gets its turn after so many records were checked: some 3 ms for plain ones.
TURN = 500
#: Stands for partition and offset of what never reached the broker.
AT_THE_DOOR = -1
#: What is kept of a record that is too large, in bytes: enough to see what it was.
KEPT_BYTES = 64 * 1024


class ItemResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one item of a body; `index` counts from 0."""

    index: int
    status: str
    reason: str = ""
    field: str = ""
    message: str = ""


class IngestResult(msgspec.Struct, frozen=True):
    """What became of a body: `accepted` events are with the broker, `refused` ones are among the dead letters."""

    accepted: int
    refused: int
    items: list[ItemResult]


@dataclass(slots=True)
class Sorted:
    """The records of one request, judged."""

    results: list[ItemResult] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    refusals: dict[str, DeadLetter] = field(default_factory=dict)

    def result(self) -> IngestResult:
        """Give the answer."""
        accepted = sum(item.status == "accepted" for item in self.results)
        return IngestResult(accepted, len(self.results) - accepted, self.results)


@dataclass(frozen=True, slots=True)
class Door:
    """The way in for one source."""

    source: Source
    headers: Mapping[str, bytes]
    check: IngestCheck
    record_bytes: int

    async def sort(self, records: Sequence[bytes], now: datetime) -> Sorted:
        """Ask the edge rules about every record."""
        out = Sorted()
        for start in range(0, len(records), TURN):
            if start:
                await asyncio.sleep(0)
            part = records[start : start + TURN]
            for raw, checked in zip(part, self._checked(part, now), strict=True):
                self._sort_one(raw, checked, now, out)
        return out

    def _checked(self, records: Sequence[bytes], now: datetime) -> Iterator[Checked]:
        """Give what is said of each record; the rules see none that is too large."""
        bearable = [raw for raw in records if len(raw) <= self.record_bytes]
        told = iter(self.check(self.source, bearable, self.headers, now))
        for raw in records:
            yield next(told) if len(raw) <= self.record_bytes else self._too_large(raw)

    def _too_large(self, raw: bytes) -> Checked:
        message = f"one record may have {self.record_bytes} bytes, this has {len(raw)}; its beginning is kept"
        return Checked(refusals=[Refusal(0, Reason.TOO_LARGE, message=message)])

    def _sort_one(self, raw: bytes, checked: Checked, now: datetime, out: Sorted) -> None:
        first = len(out.results)
        out.results += [ItemResult(first + item, "accepted") for item in range(checked.items)]
        for item, *why in checked.refusals:
            out.results[first + item] = ItemResult(first + item, "refused", *why)
        if len(checked.refusals) < checked.items:  # normalize writes the dead letters of a record that is good in part
            out.messages.append(self._message(raw, checked.device))
            return
        for refusal in shared(checked.refusals):
            letter = self._letter(raw, refusal, now)
            out.refusals.setdefault(letter.id, letter)

    def _message(self, raw: bytes, device: str) -> Message:
        return Message(
            topic=RAW_OF_LANE[self.source.lane].name,
            value=raw,
            key=f"{self.source.id}/{device}".encode(),
            headers=[(SOURCE_HEADER, self.source.id.encode()), *self.headers.items()],
        )

    def _letter(self, raw: bytes, refusal: Refusal, now: datetime) -> DeadLetter:
        headers = {name: value.decode("utf-8", "replace") for name, value in self.headers.items()}
        return DeadLetter(
            id=DeadLetter.identity(self.source.id, refusal.reason, raw, refusal.item, headers),
            source=self.source.id,
            reason=refusal.reason,
            field=refusal.field,
            message=refusal.message,
            topic=RAW_OF_LANE[self.source.lane].name,
            partition=AT_THE_DOOR,
            offset=AT_THE_DOOR,
            received_at=now,
            raw=raw[:KEPT_BYTES] if refusal.reason == Reason.TOO_LARGE else raw,
            headers=headers,
            item=refusal.item,
        )


async def deliver(judged: Sorted, store: StreamStore, publisher: Publisher) -> None:
    """Record what was refused, then publish the rest and wait for the broker; both may be repeated.

    Raises BackpressureError when one of them is away: the sender then repeats all of it.
    """
    if judged.refusals:
        await store.commit(Commit(dead_letters=tuple(judged.refusals.values())))
    if judged.messages:
        await publisher.send(judged.messages)


def shared(refusals: Sequence[Refusal]) -> list[Refusal]:
    """Give the refusals of one record that are kept one by one; beyond MAX_REFUSALS the rest share the last one."""
    kept = list(refusals[:MAX_REFUSALS])
    if more := len(refusals) - len(kept):
        kept[-1] = kept[-1]._replace(message=f"{kept[-1].message} (and {more} further items of this message)")
    return kept
