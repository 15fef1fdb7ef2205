"""The edge: takes raw records of registered sources, gives clean events or refusals; pure, but that it logs bugs."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np

from schemas.errors import PoisonMessageError, UsageError
from schemas.events import Device, Mark
from schemas.events.dead_letter import Reason
from streams.sources.abstract import Draft, RawRecord
from streams.sources.admitted import Admitted, Gathering
from streams.sources.checks import draft_instant, number, place
from streams.sources.documents import plain
from streams.sources.events import build_event
from streams.sources.fast import FastLane, is_replay
from streams.sources.known import Known, Place, source_marks
from streams.sources.registry import adapter
from streams.sources.verdict import Refusals, Verdict

logger = logging.getLogger(__name__)

#: Fewer records than this are judged sooner one by one: a frame costs 1.2 ms, a record alone 14 us (measured).
_WORTH_A_FRAME = 150


class Edge:
    """Applies the edge rules; keep one until sources or devices change, then make a new one.

    `devices` give the place of events that carry none; events observed more than `lateness_s` before or `future_s`
    after reception are marked, not dropped.
    """

    def __init__(self, devices: Mapping[str, Device], *, lateness_s: float = 3600.0, future_s: float = 300.0) -> None:
        self._lateness = timedelta(seconds=lateness_s)
        self._future = timedelta(seconds=future_s)
        self._known = Known(devices)
        self._fast = FastLane(self._known, self._lateness, self._future)

    def admit(self, records: Sequence[RawRecord]) -> Admitted:
        """Give the events and refusals of a micro-batch, in its order; never raises for what a sender wrote."""
        taken = self._fast.take(records)
        return self._slowly(records, taken.left).done(taken)

    def admit_slowly(self, records: Sequence[RawRecord]) -> Admitted:
        """Give the same as `admit` without its fast lane: the reference that tests compare with."""
        return self._slowly(records, range(len(records))).done()

    def judge(self, records: Sequence[RawRecord]) -> list[Verdict]:
        """Say of each record what `admit` makes of it, without making it: for a door that only has to answer."""
        good = self._plain(records) if len(records) >= _WORTH_A_FRAME else {}
        return [good.get(n) or self._judge_one(record) for n, record in enumerate(records)]

    def _plain(self, records: Sequence[RawRecord]) -> dict[int, Verdict]:
        """Judge what the fast lane takes, which is whole records without a refusal."""
        frame, record, _ = self._fast.take(records)
        numbers, firsts, counts = np.unique(record, return_index=True, return_counts=True)
        devices = frame["device"].gather(firsts).to_list()
        return {n: Verdict(*said) for n, *said in zip(numbers.tolist(), devices, counts.tolist(), strict=True)}

    def _judge_one(self, record: RawRecord) -> Verdict:
        out = Gathering()
        items, refusals = self._take_in(record, out)
        return Verdict(out.device(), items, refusals)

    def _slowly(self, records: Sequence[RawRecord], numbers: Iterable[int]) -> Gathering:
        out = Gathering()
        for n in numbers:
            out.refuse(records[n], self._take_in(records[n], out)[1])
            out.record += [n] * (len(out.columns) - len(out.record))
        return out

    def _take_in(self, record: RawRecord, out: Gathering) -> tuple[int, Refusals]:
        """Add what is good in a record; give how many items it has, and the bad ones."""
        try:
            drafts = _read(record)
        except Exception as error:  # noqa: BLE001 -- see `_refusal`
            return 1, [(0, _refusal(record, error))]
        refusals: list[tuple[int, PoisonMessageError]] = []
        for item, draft in enumerate(drafts):
            try:
                self._admit_draft(draft, record, out)
            except Exception as error:  # noqa: BLE001 -- see `_refusal`
                refusals.append((item, _refusal(record, error)))
        return len(drafts), refusals

    def _admit_draft(self, draft: Draft | PoisonMessageError, record: RawRecord, out: Gathering) -> None:
        if isinstance(draft, PoisonMessageError):
            raise draft
        observed_at = draft_instant(draft, record.received_at)
        srid = record.source.srid if draft.srid is None else draft.srid
        where = place(draft.lon, draft.lat, srid)
        marks = [*draft.marks, *self._time_marks(observed_at, record)]
        if draft.kind == "observation":
            self._observe(draft, record, observed_at=observed_at, where=where, marks=marks, out=out)
        else:
            marks += source_marks(record.source)
            out.events.append(
                build_event(draft, record, observed_at, where, marks=marks, default_place=self._known.place)
            )

    def _observe(
        self,
        draft: Draft,
        record: RawRecord,
        *,
        observed_at: datetime,
        where: Place,
        marks: list[str],
        out: Gathering,
    ) -> None:
        fields = draft.fields
        device, default = self._known.device(record.source, fields.get("device"))
        scale, more_marks = self._known.scale(record.source, fields.get("metric"), fields.get("unit"))
        sent = number(fields.get("value"), "value")
        where = where or default
        marks = [*marks, *more_marks, *(() if where else (Mark.NO_PLACE.value,))]
        out.columns.add(record.source.id, device, observed_at, record.received_at, sent, scale, where, marks)

    def _time_marks(self, observed_at: datetime, record: RawRecord) -> tuple[str, ...]:
        if observed_at > record.received_at + self._future:
            return (Mark.FUTURE.value,)
        late = observed_at < record.received_at - self._lateness
        return (Mark.LATE.value,) if late and not is_replay(record.source) else ()


def _refusal(record: RawRecord, error: Exception) -> PoisonMessageError:
    """Give why a record is refused: a bug in reading it refuses it too, as else it would block its partition for good.

    The traceback is in the log and the raw bytes are in the dead letters, to be sent again when the bug is mended.
    """
    if isinstance(error, PoisonMessageError):
        return error
    if isinstance(error, MemoryError):  # says nothing of this record
        raise error
    place = (record.topic, record.partition, record.offset)
    logger.error("adapter.failed: %s, %s partition %d offset %d", record.source.format, *place, exc_info=error)
    message = f"reading it as {record.source.format!r} broke on {type(error).__name__}: a bug of ours, report it"
    return PoisonMessageError(Reason.ADAPTER_FAILED, message)


def _read(record: RawRecord) -> list[Draft | PoisonMessageError]:
    """Give all drafts of a record; all of it is read before any of it is taken, so a refusal of the whole is alone."""
    source = record.source
    try:
        drafts = list(adapter(source.format).read(plain(record.value, record.headers), source, record.headers))
    except UsageError as error:
        raise PoisonMessageError(Reason.UNSUPPORTED, f"source {source.id!r}: {error}", field="format") from error
    if not drafts:
        raise PoisonMessageError(Reason.UNSUPPORTED, "nothing in the message is an event")
    return drafts
