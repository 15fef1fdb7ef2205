from __future__ import annotations

from datetime import UTC, datetime

from api.ingest.check import Checked, Refusal
from deploy.door import Door
from schemas.events import Source

NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)
SOURCE = Source(id="s", kind="sensor", format="native")
GOOD = (
    b'{"device":"d1","metric":"pm2_5","value":1.5,"unit":"ug/m3","observed_at":"2026-11-22T02:59:00Z",'
    b'"lon":108,"lat":12}'
)
NAIVE = GOOD.replace(b"02:59:00Z", b"02:59:00")


def door() -> Door:
    return Door(lateness_s=3600, future_s=300)


def test_a_good_event_is_told_with_its_device() -> None:
    """The record's key is made of it, so the order of a device is kept."""
    assert door()(SOURCE, [GOOD], {}, NOW) == [Checked("d1", 1, [])]


def test_each_record_of_a_body_gets_its_own_answer() -> None:
    """Many at once, by the fast way, are told apart: the bad one in the middle is the second."""
    good = [GOOD] * 200
    results = door()(SOURCE, [*good, NAIVE, *good], {}, NOW)
    assert [(n, found.refusals) for n, found in enumerate(results) if found.refusals] == [
        (200, [Refusal(0, "bad_time", "observed_at", results[200].refusals[0].message)])
    ]
    assert {found.device for found in results} == {"d1", ""}


def test_each_item_of_a_packed_record_gets_its_own_answer() -> None:
    """The bad one in the middle is named by its place, with reason and field."""
    (found,) = door()(SOURCE, [b"[" + b",".join([GOOD, NAIVE, GOOD]) + b"]"], {}, NOW)
    assert found.items == 3
    assert [refusal[:3] for refusal in found.refusals] == [(1, "bad_time", "observed_at")]


def test_more_refusals_than_are_kept_apart_are_all_counted() -> None:
    """A pack of 150 bad items and a good one: the sender hears of each, though 100 dead letters are the most."""
    (found,) = door()(SOURCE, [b"[" + b",".join([NAIVE] * 150 + [GOOD]) + b"]"], {}, NOW)
    assert (found.items, len(found.refusals)) == (151, 150)


def test_what_cannot_be_read_at_all_is_one_refusal() -> None:
    """Bytes that are no message of this format."""
    (found,) = door()(SOURCE, [b"{"], {}, NOW)
    assert (found.items, [refusal.reason for refusal in found.refusals]) == (1, ["bad_json"])
