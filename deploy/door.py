"""Applies the edge rules at the API's door, so that a sender is told at once what normalize would refuse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from api.ingest.check import Checked, Refusal
from schemas.events import Source
from streams.sources.abstract import RawRecord
from streams.sources.edge import Edge
from streams.sources.verdict import Verdict, told


class Door:
    """An `IngestCheck` over the very same edge rules; devices' places do not matter for it."""

    def __init__(self, *, lateness_s: float, future_s: float) -> None:
        self._edge = Edge({}, lateness_s=lateness_s, future_s=future_s)

    def __call__(
        self, source: Source, records: Sequence[bytes], headers: Mapping[str, bytes], received_at: datetime
    ) -> list[Checked]:
        """Give what the edge says of each record, in their order."""
        raws = [RawRecord(source, value, headers, received_at, "", 0, n) for n, value in enumerate(records)]
        return [_checked(verdict) for verdict in self._edge.judge(raws)]


def _checked(verdict: Verdict) -> Checked:
    return Checked(verdict.device, verdict.items, [Refusal(item, *told(error)) for item, error in verdict.refusals])
