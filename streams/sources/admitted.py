"""What the edge gives for a micro-batch: observations as columns, other events, and every refusal with its reason."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from schemas.errors import PoisonMessageError
from schemas.events import DeadLetter, ObservationBatch, PriorityEvent
from schemas.limits import MAX_REFUSALS
from streams.sources.abstract import RawRecord
from streams.sources.fast import Taken
from streams.sources.observe import Columns
from streams.sources.verdict import Refusals, told


@dataclass(frozen=True, slots=True)
class Admitted:
    """All of a micro-batch: each item of each record is in exactly one of the three."""

    observations: ObservationBatch
    events: list[PriorityEvent]
    dead_letters: list[DeadLetter]


@dataclass(slots=True)
class Gathering:
    """An `Admitted` while it grows; `record` holds the record number of each row of `columns`."""

    columns: Columns = field(default_factory=Columns)
    record: list[int] = field(default_factory=list)
    events: list[PriorityEvent] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)

    def device(self) -> str:
        """Give the device (or unit) that is named first, empty when none is."""
        if self.columns.device:
            return self.columns.device[0]
        names = (getattr(event, "device", None) or getattr(event, "unit", None) for event in self.events)
        return next((str(name) for name in names if name), "")

    def refuse(self, record: RawRecord, refusals: Refusals) -> None:
        """Put the refusals (item, why) of one record among the dead letters.

        Each dead letter holds the whole message, so beyond MAX_REFUSALS the rest of one message share the last one.
        """
        more = len(refusals) - MAX_REFUSALS
        for item, error in refusals[:MAX_REFUSALS]:
            last = more > 0 and item == refusals[MAX_REFUSALS - 1][0]
            self.dead_letters.append(_dead_letter(record, item, error, more if last else 0))

    def done(self, taken: Taken | None = None) -> Admitted:
        """Give what was gathered, and the rows of the fast lane in between: all in the order of their records."""
        if taken is None or not taken.frame.height:
            return Admitted(self.columns.batch(), self.events, self.dead_letters)
        if not len(self.columns):
            return Admitted(ObservationBatch(taken.frame), self.events, self.dead_letters)
        order = np.argsort(np.concatenate([taken.record, self.record]), kind="stable")
        frame = pl.concat([taken.frame, self.columns.batch().frame])[order]
        return Admitted(ObservationBatch(frame), self.events, self.dead_letters)


def _dead_letter(record: RawRecord, item: int, error: PoisonMessageError, more: int) -> DeadLetter:
    reason, field_, message = told(error)
    headers = {key: value.decode("utf-8", "replace").replace("\0", "\ufffd") for key, value in record.headers.items()}
    return DeadLetter(
        id=DeadLetter.identity(record.source.id, reason, record.value, item, headers),
        source=record.source.id,
        reason=reason,
        field=field_,
        message=f"{message} (and {more} further items of this message)" if more else message,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        received_at=record.received_at,
        raw=record.value,
        headers=headers,
        item=item,
    )
