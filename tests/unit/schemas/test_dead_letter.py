from __future__ import annotations

from schemas.events import DeadLetter

RAW = b'{"text":"fire"}'


def identity(**headers: str) -> str:
    return DeadLetter.identity("s", "bad_shape", RAW, 0, headers)


def test_headers_that_tell_the_event_are_part_of_its_identity() -> None:
    """One body under two CloudEvents ids, or on two MQTT topics, is two refusals, whatever the order of headers."""
    assert identity(ce_id="1", ce_time="t") == identity(ce_time="t", ce_id="1") != identity(ce_id="2", ce_time="t")
    assert identity(mqtt_topic="a/1") != identity(mqtt_topic="a/2") != identity()


def test_headers_of_the_way_are_not() -> None:
    """What says nothing of the event leaves the refusal the same: it is known again at every door."""
    assert identity(traceparent="1") == identity(canh_source="s") == identity()


def test_parts_cannot_be_taken_for_each_other() -> None:
    """The boundary between source, reason, item and bytes is seen."""
    given = [("a", "b", b"c", 1), ("ab", "", b"c", 1), ("a", "b", b"1c", 0), ("a", "b", b"c", 11), ("a", "bc", b"", 1)]
    assert len({DeadLetter.identity(*parts) for parts in given}) == len(given)
