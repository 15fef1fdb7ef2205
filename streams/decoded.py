"""Canonical records as objects: decoded once for all hops of a process, and not at all where the process made them."""

from __future__ import annotations

from collections import OrderedDict

from schemas.codec import decode_canonical
from schemas.events import ObservationBatch, PriorityEvent

Found = ObservationBatch | PriorityEvent
#: Records that are remembered; of 20,000 readings, each takes some 5 MB.
MOST = 8

_known: OrderedDict[bytes, Found] = OrderedDict()


def decoded(raw: bytes) -> Found:
    """Give what a canonical record is, not to be changed; raises PoisonMessageError when it cannot be read."""
    found = _known.get(raw)
    if found is None:
        found = decode_canonical(raw)
    remember(raw, found)
    return found


def remember(raw: bytes, found: Found) -> None:
    """Note what will be asked for soon: the bytes that are sent, and what they were made from."""
    _known[raw] = found
    _known.move_to_end(raw)
    if len(_known) > MOST:
        _known.popitem(last=False)
