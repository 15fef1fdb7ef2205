"""Decides, from a client's last id and what the feed still has, where its stream goes on (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

#: A feed id has at most 19 digits (64 bits); anything longer is no id of ours.
DIGITS_MAX = 19


class Reset(StrEnum):
    """Why a client must load its list again."""

    UNKNOWN_ID = "unknown_id"  # not an id that we gave
    AHEAD = "ahead"  # newer than the feed: the database was restored or replaced
    HISTORY_GONE = "history_gone"  # older than what the feed still has
    TOO_SLOW = "too_slow"  # the client fell behind what is kept ready; it is cut after this


@dataclass(frozen=True, slots=True)
class Resume:
    """Where a stream begins: after which feed id, whether that continues the client's, or why it does not."""

    after: int
    resumed: bool
    reset: Reset | None = None


def resume(since: str | None, *, head: int, tail: int) -> Resume:
    """Give where to go on.

    `since` is what the client says it has seen last (None: nothing, start now), `head` the newest feed id, `tail` the
    oldest that can still be read (head + 1 when none can). Every other case than an exact continuation is a reset.
    """
    if since is None:
        return Resume(head, resumed=False)
    seen = _number(since)
    if seen is None:
        return Resume(head, resumed=False, reset=Reset.UNKNOWN_ID)
    if seen > head:
        return Resume(head, resumed=False, reset=Reset.AHEAD)
    if seen < tail - 1:
        return Resume(head, resumed=False, reset=Reset.HISTORY_GONE)
    return Resume(seen, resumed=True)


def _number(text: str) -> int | None:
    plain = text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX
    return int(text) if plain else None
