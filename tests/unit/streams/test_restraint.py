from __future__ import annotations

import pytest

from streams.restraint import ENOUGH_BYTES, Restraint, about_bytes
from streams.watermark import Place
from tests.unit.streams.hands import record

HERE, THERE, ELSEWHERE = Place("raw", 0), Place("raw", 1), Place("other", 0)
HALF = ENOUGH_BYTES // 2
ONE, TWO = frozenset({"normalize"}), frozenset({"store", "evaluate"})


def restraint(in_hand: dict[Place, int], hops: frozenset[str] = ONE) -> Restraint:
    return Restraint(lambda: in_hand, lambda _topic: hops)


def test_what_was_fetched_is_held_when_its_topic_has_enough() -> None:
    """Both partitions of the topic, as both have a run in hand; what another topic has does not count."""
    assert restraint({ELSEWHERE: ENOUGH_BYTES}).hold({HERE: HALF}) == frozenset()
    assert restraint({}).hold({HERE: HALF, THERE: HALF, ELSEWHERE: HALF}) == {HERE, THERE}
    assert restraint({THERE: HALF}).hold({HERE: HALF}) == {HERE}


def test_a_partition_that_is_alone_has_its_next_run_ready() -> None:
    """One run in hand is no reason to wait, two are."""
    in_hand = {HERE: 0}
    alone = restraint(in_hand)
    assert alone.hold({HERE: ENOUGH_BYTES - 1}) == frozenset()
    in_hand[HERE] = ENOUGH_BYTES - 1
    assert alone.hold({HERE: ENOUGH_BYTES - 1}) == {HERE}
    in_hand[HERE] = 2 * ENOUGH_BYTES - 2
    assert alone.let_go() == frozenset()
    in_hand[HERE] = ENOUGH_BYTES - 1
    assert alone.let_go() == {HERE}
    assert alone.held == frozenset()


def test_a_partition_without_a_run_is_let_go_whatever_the_others_have() -> None:
    """It could be worked at once: the others must not starve it."""
    in_hand = {HERE: ENOUGH_BYTES, THERE: ENOUGH_BYTES}
    held = restraint(in_hand)
    held.hold({HERE: 0, THERE: 0})
    in_hand[HERE] = 0
    assert held.let_go() == {HERE}
    assert held.held == {THERE}


def test_a_partition_that_is_not_ours_any_more_is_let_go() -> None:
    """Nothing of it is in hand, so nobody would ever let it go."""
    in_hand = {HERE: 3 * ENOUGH_BYTES}
    held = restraint(in_hand)
    held.hold({HERE: 1})
    in_hand.clear()
    assert held.let_go() == {HERE}


def test_records_that_were_fetched_and_dropped_hold_nobody() -> None:
    """What never came into hand will be read again."""
    held = restraint({})
    assert held.hold({HERE: 2 * ENOUGH_BYTES}) == {HERE}
    assert held.let_go() == {HERE}


def test_a_topic_that_two_hops_read_is_never_held() -> None:
    """The hop that waits for the database must not keep records from the one that raises alarms."""
    assert restraint({HERE: 5 * ENOUGH_BYTES}, TWO).hold({HERE: ENOUGH_BYTES}) == frozenset()


@pytest.mark.parametrize("count", [0, 1, 7, 100, 101, 12_345])
def test_bytes_of_a_run_are_known_well_enough(count: int) -> None:
    """Exactly where all values are as long; a tombstone has none."""
    assert about_bytes([record(n, b"x" * 50) for n in range(count)]) == 50 * count
    assert about_bytes([record(n, None) for n in range(count)]) == 0
