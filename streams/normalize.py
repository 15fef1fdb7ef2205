"""Reads raw topics, gives clean located events on the lane's canonical topic, and dead letters."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

import msgspec
import numpy as np

from schemas.bus.abstract import Message, Publisher
from schemas.codec import ARROW, cloud_headers, encode, header_text
from schemas.errors import PoisonMessageError
from schemas.events import DeadLetter, ObservationBatch, PriorityEvent, Source
from schemas.events.dead_letter import Reason
from schemas.store.abstract import Commit
from schemas.topics import DEAD_LETTERS, SOURCE_HEADER, Topic
from streams.decoded import remember
from streams.hop import Hop, Records, dead_letter, headers_of, received_at
from streams.metrics import BAD_SOURCES
from streams.poison import PoisonGauge
from streams.sources.abstract import RawRecord
from streams.sources.cloudevents import is_structured, source_of
from streams.watermark import Place
from streams.world import Atlas, World

logger = logging.getLogger(__name__)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Observations in one message of the canonical topic at most, and its bytes: below the broker's 1 MiB for a message.
BATCH_ROWS, BATCH_BYTES = 20_000, 768 * 1024

#: Records, and bytes of all of them, that take a millisecond or two: alarms as they come, not an array of readings.
FEW, SHORT_BYTES = 8, 16 * 1024
#: Refusals that speak of something broken; a camera's heartbeats are `unsupported` all day, and that is well.
POISON = frozenset(Reason) - {Reason.UNSUPPORTED}
#: Raw bytes that the copy on the dead-letter topic carries at most (the table has all of them).
COPIED_BYTES = 256 * 1024

#: Observations, and the message that they are.
_Encoded = tuple[ObservationBatch, bytes]


class Normalized(NamedTuple):
    """What a run becomes: its records with their sources, what is refused, observations and events."""

    raws: list[RawRecord]
    letters: list[DeadLetter]
    batches: list[_Encoded]
    events: list[PriorityEvent]


class NormalizeHop(Hop):
    """Applies adapters and edge rules, adds commune and zones, sends on; refusals go to the dead letters."""

    name = "normalize"
    at_once = 2

    def __init__(self, topic: Topic, sends: Topic, atlas: Atlas, publisher: Publisher, gauge: PoisonGauge) -> None:
        self.topic = topic
        self._sends = sends
        self._atlas = atlas
        self._publisher = publisher
        self._gauge = gauge
        self._judged: dict[Place, range] = {}
        self._bad: frozenset[str] = frozenset()

    async def work(self, place: Place, records: Records) -> Commit:
        """Normalise a run; when it returns, the broker has all that came of it."""
        made = await self._atlas.beside(partial(normalized, records), short=_is_short(records))
        self._judge(place, records, made.raws, made.letters)
        partition = place.partition % self._sends.partitions
        messages = [*self._batches(made.batches, partition, _run_id(records)), *self._events(made.events, partition)]
        await self._publisher.send([*messages, *map(_copy, made.letters)])
        return Commit(dead_letters=made.letters)

    def _judge(self, place: Place, records: Records, raws: Sequence[RawRecord], letters: Sequence[DeadLetter]) -> None:
        """Count a run once, however often it is tried: an outage must not look like a flood of refusals."""
        run = range(records[0].offset, records[-1].offset + 1)
        before = self._judged.get(place, range(0))
        if run.start not in before or run[-1] not in before:
            self._judged[place] = run
            known = {raw.offset for raw in raws} if letters else set()
            seen = Counter(raw.source.id for raw in raws)
            seen.update({letter.offset: letter.source for letter in letters if letter.offset not in known}.values())
            refused = {letter.offset: letter.source for letter in letters if letter.reason in POISON}
            bad = self._gauge.count_sources(seen, Counter(refused.values()))
            self._tell(self._bad if bad is None else bad)

    def _tell(self, bad: frozenset[str]) -> None:
        """Say of which sources too much is refused: once, not with every window."""
        for source in sorted(bad - self._bad):
            logger.error("source.refused: %r: too much of what it sends; see `canh dlq list --source`", source)
        self._bad = bad
        BAD_SOURCES.labels(self.topic.name).set(len(bad))

    def _batches(self, batches: Sequence[_Encoded], partition: int, run: str) -> Iterator[Message]:
        for number, (part, raw) in enumerate(batches):
            remember(raw, part)
            time = part.row(0).received_at
            headers = cloud_headers(part.KIND, "canh/normalize", f"{run}/{number}", time, ARROW)
            yield Message(self._sends.name, raw, headers=headers, partition=partition)

    def _events(self, events: Sequence[PriorityEvent], partition: int) -> Iterator[Message]:
        for event in events:
            headers = cloud_headers(f"{type(event).__name__.lower()}.v1", event.source, event.id, event.observed_at)
            yield Message(self._sends.name, encode(event), headers=headers, partition=partition)


def _is_short(records: Records) -> bool:
    return len(records) <= FEW and sum(len(record.value or b"") for record in records) <= SHORT_BYTES


def _run_id(records: Records) -> str:
    """Name a run by what was read: the same when it is tried again, and of no other run of any partition."""
    first, last = records[0], records[-1]
    return f"{first.topic}/{first.partition}/{first.offset}-{last.offset}"


def normalized(records: Records, world: World) -> Normalized:
    """Apply adapters and edge rules, add commune and zones."""
    raws, letters = sort_out(records, world)
    admitted = world.edge.admit(raws)
    observations = world.places.located(admitted.observations)
    events = locate_events(admitted.events, world)
    return Normalized(raws, letters + admitted.dead_letters, list(_parts(observations)), events)


def _parts(batch: ObservationBatch) -> Iterator[_Encoded]:
    """Cut a batch into messages that the broker takes."""
    for start in range(0, len(batch), BATCH_ROWS):
        yield from _small_enough(batch.slice(start, start + BATCH_ROWS))


def _small_enough(batch: ObservationBatch) -> Iterator[_Encoded]:
    """Give one part, or more where rows are so large that the broker would refuse it."""
    raw = batch.to_bytes()
    if len(raw) > BATCH_BYTES and len(batch) > 1:
        for half in batch.halves():
            yield from _small_enough(half)
    else:
        yield batch, raw


def sort_out(records: Records, world: World) -> tuple[list[RawRecord], list[DeadLetter]]:
    """Find each record's registered source; records of unknown or disabled sources are refused.

    A CloudEvent in structured mode says it in its body, which is read only where no header says it.
    """
    raws: list[RawRecord] = []
    letters: list[DeadLetter] = []
    known: dict[object, tuple[str, Source | None, Mapping[str, bytes]]] = {}
    times: dict[int, datetime] = {}
    said: object = known  # no record's headers
    sender: tuple[str, Source | None, Mapping[str, bytes]] = ("", None, {})
    stamp, at = None, _EPOCH
    for record in records:
        if record.headers is not said:  # neighbours mostly share them (see lean.py), and their time: one look for all
            said = record.headers
            key = tuple(record.headers or ())
            sender = known.get(key) or known.setdefault(key, _sender(headers_of(record), world))
        name, source, headers = sender
        if source is None and not name and is_structured(headers):
            name, source = _known(source_of(record.value or b"", headers), world)
        if source is None:
            why = f"source {name!r} is {_why_not(name, world)}; see `canh source list`"
            letters.append(dead_letter(record, PoisonMessageError(Reason.UNKNOWN_SOURCE, why), source=name))
            continue
        if record.timestamp != stamp:
            try:
                at = times.get(record.timestamp) or times.setdefault(record.timestamp, received_at(record))
            except PoisonMessageError as error:
                letters.append(dead_letter(record, error, source=name))
                continue
            stamp = record.timestamp
        raws.append(RawRecord(source, record.value or b"", headers, at, record.topic, record.partition, record.offset))
    return raws, letters


def locate_events(events: Sequence[PriorityEvent], world: World) -> list[PriorityEvent]:
    """Fill in commune and zones of every event."""
    lon, lat = (
        np.array([np.nan if x is None else x for x in c])
        for c in ([event.lon for event in events], [event.lat for event in events])
    )
    places = world.zones.locate(lon, lat)
    return [
        msgspec.structs.replace(
            event, commune=commune, zone_ids=tuple(zone_ids), marks=tuple(_merged(event.marks, marks))
        )
        for event, commune, zone_ids, marks in zip(events, *places, strict=True)
    ]


def _sender(headers: Mapping[str, bytes], world: World) -> tuple[str, Source | None, Mapping[str, bytes]]:
    """Take the source from our header, or from the CloudEvents attribute that a foreign producer sets."""
    return *_known(header_text(headers, SOURCE_HEADER) or header_text(headers, "ce_source"), world), headers


def _known(name: str, world: World) -> tuple[str, Source | None]:
    source = world.sources.get(name)
    return name, source if source is not None and source.enabled else None


def _why_not(name: str, world: World) -> str:
    return "disabled" if name in world.sources else "not registered"


def _merged(old: Sequence[str], new: Sequence[str]) -> list[str]:
    return sorted({*old, *new})


def _copy(letter: DeadLetter) -> Message:
    headers = cloud_headers("dead_letter.v1", letter.source or "unknown", letter.id, letter.received_at)
    copy = msgspec.structs.replace(letter, raw=letter.raw[:COPIED_BYTES])
    return Message(DEAD_LETTERS.name, encode(copy), key=letter.source.encode(), headers=headers)
