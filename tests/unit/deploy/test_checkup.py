from __future__ import annotations

from deploy.checkup import behind
from schemas.store.abstract import Offset
from schemas.topics import OBSERVATIONS
from streams.pipeline import steps

STORE = next(step for step in steps() if step.hop == "store" and step.reads == OBSERVATIONS)


def at(partition: int, next_offset: int) -> Offset:
    return Offset("store", OBSERVATIONS.name, partition, next_offset)


def test_what_lies_before_a_hop_is_counted() -> None:
    """A partition that it has never stored anything of counts from where its log begins."""
    found = behind(STORE, [at(0, 10), at(1, 7)], {0: (5, 12), 1: (0, 7), 2: (100, 103)})
    assert (found.what, found.found, found.fix) == ("bulk store", "5 records behind", "")


def test_records_that_were_deleted_unread_need_a_person() -> None:
    """Retention was shorter than the outage: this must not look like an empty log."""
    found = behind(STORE, [at(0, 1000), at(1, 7)], {0: (5000, 6000), 1: (0, 7)})
    assert "1000 records behind; 4000 were deleted" in found.found
    assert OBSERVATIONS.name in found.fix
