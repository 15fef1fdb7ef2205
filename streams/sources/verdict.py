"""What the edge says of one raw record to whoever needs no rows: the API's door tells it to the sender."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from schemas.errors import PoisonMessageError

#: Items of one record, counted from 0, that are refused, in their order, each with its reason.
Refusals = Sequence[tuple[int, PoisonMessageError]]


class Verdict(NamedTuple):
    """How many items are in a record, which device or unit it names first (empty: none), and what is refused."""

    device: str
    items: int
    refusals: Refusals = ()


def told(error: PoisonMessageError) -> tuple[str, str, str]:
    """Give reason, field and message as they are kept: of bounded length, and text that any database takes."""
    return str(error.reason), _text(error.field, 200), _text(str(error), 1000)


def _text(text: str, length: int) -> str:
    return text[:length].encode("utf-8", "replace").decode().replace("\0", "\ufffd")
