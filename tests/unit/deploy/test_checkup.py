from __future__ import annotations

from datetime import datetime, timedelta

from deploy.checkup import behind, overlaps, refused
from schemas.events import DeadLetter
from schemas.store.abstract import Offset
from schemas.topics import OBSERVATIONS
from streams.pipeline import steps
from tests.unit.streams.hands import NOW

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


def letters(source: str, count: int, at: datetime, reason: str = "bad_json") -> list[DeadLetter]:
    return [DeadLetter(f"{source}{n}", source, reason, "", "no", "canh.raw.bulk", 0, n, at, b"") for n in range(count)]


def test_a_source_that_sends_rubbish_now_is_named() -> None:
    """Not for a few refusals, not for what was long ago, and not for a camera's heartbeats."""
    found = [*letters("bad", 12, NOW), *letters("few", 3, NOW), *letters("old", 50, NOW - timedelta(hours=2))]
    (finding,) = refused([*found, *letters("camera", 50, NOW, "unsupported")], NOW - timedelta(hours=1))
    assert finding.what == "source bad"
    assert "--source bad" in finding.fix


def test_workers_that_run_the_same_hop_in_different_groups_are_found() -> None:
    """They cannot share its partitions; those of another lane, or with other hops, are none of their business."""
    fine = ["canh-bulk-normalize", "canh-bulk-evaluate-store", "canh-priority-correlate-evaluate-normalize-store"]
    assert list(overlaps(fine)) == []
    (finding,) = overlaps([*fine, "canh-bulk-store"])
    assert "canh-bulk-evaluate-store and canh-bulk-store both run store" in finding.found
