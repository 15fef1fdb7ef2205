"""Says when two records with one identity are the same; reads batches, gives what both stores write of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
import polars as pl

from schemas.codec import encode
from schemas.events import DeadLetter, Detection, Event, ObservationBatch, Position, Reason
from schemas.events.base import Mark
from schemas.store.abstract import Offset
from schemas.topics import EVENTS, OBSERVATIONS, SOURCE_HEADER, Topic

ObservationKey = tuple[str, str, datetime]
ObservationContent = tuple[float, float | None, str | None]

#: The columns that an observation is known by, in the order of the index.
IDENTITY = ("device", "metric", "observed_at")
#: Midnight in Viet Nam (UTC+7, no summer time): where the steps of charts begin, days above all.
DAY_ORIGIN = datetime(2000, 1, 2, 17, tzinfo=UTC)

#: Added by us on the way in: they may differ when the same message is read again (a zone or device was registered).
_ADDED = ("received_at", "commune", "zone_ids", "marks", "lon", "lat")


@dataclass(frozen=True, slots=True)
class Sorted:
    """An observation batch as it is written: row numbers in order of their key, twins taken out.

    `rows` gives the first row of each key, `clashes` are the numbers of rows that differ from the first.
    """

    rows: dict[ObservationKey, int]
    clashes: list[int]


def sort_observations(batch: ObservationBatch) -> Sorted:
    """Order a batch by identity (no deadlocks between writers) and take twins out: the first one stands."""
    first: dict[ObservationKey, int] = {}
    clashes: list[int] = []
    for i, key in enumerate(zip(batch.device, batch.metric, batch.observed_at, strict=True)):
        stands = first.setdefault(key, i)
        if stands != i and observation_content(batch, stands) != observation_content(batch, i):
            clashes.append(i)
    return Sorted({key: first[key] for key in sorted(first)}, clashes)


def has_twins(frame: pl.DataFrame) -> bool:
    """Tell whether a frame sorted by identity holds two rows of one key."""
    same = [pl.col(name) == pl.col(name).shift(1) for name in IDENTITY]
    return bool(frame.select(pl.all_horizontal(same).any()).item())


def observation_content(batch: ObservationBatch, i: int) -> ObservationContent:
    """Give what the sender said in row i, besides its identity."""
    return batch.value[i], batch.source_value[i], batch.source_unit[i]


def clashing_rows(
    batch: ObservationBatch, order: Sorted, stored: Mapping[ObservationKey, ObservationContent]
) -> list[int]:
    """Give the rows to refuse; `stored` holds the content that stands for keys whose first row in the batch differs.

    Every one of equal rows is there: each counts, in whatever batches they come.
    """
    rows = {i for i in order.clashes if _key(batch, i) not in stored}
    if stored:
        rows |= {
            i
            for i, key in enumerate(zip(batch.device, batch.metric, batch.observed_at, strict=True))
            if key in stored and stored[key] != observation_content(batch, i)
        }
    return sorted(rows)


def _key(batch: ObservationBatch, i: int) -> ObservationKey:
    return batch.device[i], batch.metric[i], batch.observed_at[i]


def event_content(event: Event) -> bytes:
    """Give the digest of what the sender said; the place counts only where it is the message itself (positions).

    What was not said (None) is left out: a record that gets a new optional field keeps the digests that are stored.
    """
    place = {"lon", "lat"} if isinstance(event, Position) else set()
    left_out = set(_ADDED) - place
    said = msgspec.structs.asdict(event).items()
    fields = {name: value for name, value in said if value is not None and name not in left_out}
    fields["type"] = type(event).__struct_config__.tag
    return hashlib.blake2b(msgspec.json.encode(fields, order="sorted"), digest_size=16).digest()


def observation_clashes(batch: ObservationBatch, rows: Sequence[int], at: Offset | None) -> list[DeadLetter]:
    """Give the refusals of some rows: the identity of each is there already with other content."""
    return _distinct([_clash(batch.row(i), refused_row(batch, i), "value", OBSERVATIONS, at) for i in rows])


def refused_row(batch: ObservationBatch, i: int) -> bytes:
    """Give what a refusal of row i is known by: what the sender said, and nothing of what we added."""
    return msgspec.json.encode((batch.row(i).id, *observation_content(batch, i)))


def event_clashes(events: Sequence[Event], at: Offset | None) -> list[DeadLetter]:
    """Give the refusals of events whose ids are there already with other content."""
    known_by = ((event, event.id.encode() + event_content(event)) for event in events)
    return _distinct([_clash(event, content, "id", EVENTS, at) for event, content in known_by])


def _distinct(letters: Sequence[DeadLetter]) -> list[DeadLetter]:
    """Take out what is a mere repeat: the same refusal of something received at the same time."""
    return list({(letter.id, letter.received_at): letter for letter in reversed(letters)}.values())[::-1]


def _clash(event: Event, content: bytes, field: str, topic: Topic, at: Offset | None) -> DeadLetter:
    # The id comes from the content, not from the raw bytes: they hold what we added.
    return DeadLetter(
        id=DeadLetter.identity(event.source, Reason.ID_CONFLICT, content),
        source=event.source,
        reason=Reason.ID_CONFLICT,
        field=field,
        message=f"{event.id} is stored already with other content; the first one stands",
        topic=at.topic if at else topic.name,
        partition=at.partition if at else -1,
        offset=max(at.next_offset - 1, 0) if at else -1,
        received_at=event.received_at,
        raw=encode(event),
        headers={SOURCE_HEADER: event.source},
    )


def detections(events: Sequence[Event]) -> list[Detection]:
    """Give the events that a device of ours saw."""
    return [event for event in events if isinstance(event, Detection)]


def trusted_time(event: Event) -> bool:
    """Tell whether the sender's clock may move "newest": one far in the future would stay newest for ever."""
    return Mark.FUTURE not in event.marks


def storable(text: str) -> str:
    """Give text that every database takes: U+0000 shown as its symbol, lone surrogates as question marks."""
    return text.replace("\x00", "\u2400").encode("utf-8", "replace").decode()


def storable_letter(letter: DeadLetter) -> DeadLetter:
    """Give a refusal whose texts every database takes: what cannot be stored must never be a refusal itself."""
    return msgspec.structs.replace(
        letter,
        source=storable(letter.source),
        field=storable(letter.field),
        message=storable(letter.message),
        headers={storable(name): storable(text) for name, text in letter.headers.items()},
    )
