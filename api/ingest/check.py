"""What the door must be told by the edge rules; deploy wires the adapters of streams/sources to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from schemas.events import Source


class Refusal(NamedTuple):
    """Why one item of a record is refused: a code of `schemas.events.Reason`, and what to mend; items count from 0."""

    item: int
    reason: str
    field: str = ""
    message: str = ""


class Checked(NamedTuple):
    """What the edge rules say of one record: how many items (events) it has, and which of them are refused.

    `device` becomes part of the record's key, so that the order of a device is kept.
    """

    device: str = ""
    items: int = 1
    refusals: Sequence[Refusal] = ()


class IngestCheck(Protocol):
    """Reads raw records as normalize will, without keeping anything. Pure and fast (it runs on the event loop)."""

    def __call__(
        self, source: Source, records: Sequence[bytes], headers: Mapping[str, bytes], received_at: datetime
    ) -> Sequence[Checked]:
        """Give what is said of each record, in their order; never raises for bad data."""
