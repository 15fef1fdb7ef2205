from __future__ import annotations

import pytest

from streams.pace import MUCH, Pace
from streams.watermark import Place

FEW = MUCH - 1
PLACE, OTHER = Place("canh.observations", 0), Place("canh.observations", 1)


class Clock:
    def __init__(self) -> None:
        self.at_s = 100.0

    def __call__(self) -> float:
        return self.at_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pace(clock: Clock) -> Pace:
    return Pace(clock, every_s=3.0)


def test_what_comes_seldom_is_written_at_once(pace: Pace, clock: Clock) -> None:
    """A run that comes when the last write is long ago waits for nothing; nor does one of another partition."""
    assert pace.is_due(PLACE, 0, FEW)
    assert pace.is_due(OTHER, 0, FEW)
    clock.at_s += 3.0
    assert pace.is_due(PLACE, 7, FEW)
    assert pace.owed_from(PLACE) is None


def test_what_comes_often_is_owed_from_the_first_run_that_was_not_written(pace: Pace, clock: Clock) -> None:
    """The offset must not pass it."""
    pace.is_due(PLACE, 0, FEW)
    for first in (10, 20):
        clock.at_s += 1.0
        assert not pace.is_due(PLACE, first, FEW)
    assert pace.owed_from(PLACE) == 10


def test_what_is_owed_is_settled_when_it_is_time_and_not_before(pace: Pace, clock: Clock) -> None:
    """A tick comes every second: it must not undo the pace, and must not forget what nobody sends anything after."""
    pace.is_due(PLACE, 0, FEW)
    clock.at_s += 1.0
    pace.is_due(PLACE, 10, FEW)
    clock.at_s += 1.0
    assert not pace.settle(PLACE)
    assert pace.owed_from(PLACE) == 10
    clock.at_s += 1.0
    assert pace.settle(PLACE)
    assert pace.owed_from(PLACE) is None
    assert not pace.settle(PLACE)


def test_who_writes_anyway_settles_too(pace: Pace, clock: Clock) -> None:
    """Then nothing is owed any more, and the next write is a while away again."""
    pace.is_due(PLACE, 0, FEW)
    clock.at_s += 1.0
    pace.is_due(PLACE, 10, FEW)
    assert pace.settle(PLACE, hurried=True)
    clock.at_s += 2.0
    assert not pace.is_due(PLACE, 20, FEW)


def test_a_worker_that_begins_with_a_backlog_writes_its_rows_first(pace: Pace, clock: Clock) -> None:
    """What waits is written once, when the time is over, not with the first run that may be one of many."""
    assert not pace.is_due(PLACE, 0, MUCH)
    assert pace.owed_from(PLACE) == 0
    clock.at_s += 3.0
    assert pace.is_due(PLACE, 1, MUCH)
    assert pace.owed_from(PLACE) is None


def test_a_flood_after_a_quiet_time_is_written_with_its_first_run(pace: Pace, clock: Clock) -> None:
    """Only who begins has to catch up."""
    pace.is_due(PLACE, 0, FEW)
    clock.at_s += 60.0
    assert pace.is_due(PLACE, 1, MUCH)


def test_a_forgotten_partition_owes_nothing(pace: Pace) -> None:
    """Its records come again."""
    pace.is_due(PLACE, 0, FEW)
    pace.is_due(PLACE, 10, FEW)
    pace.forget(PLACE)
    assert pace.owed_from(PLACE) is None
    assert not pace.settle(PLACE)


def test_a_partition_that_is_given_and_taken_all_the_time_is_written_all_the_same(pace: Pace, clock: Clock) -> None:
    """Its backlog comes again with each beginning; the offset must get on."""
    written = []
    for _ in range(7):
        pace.forget(PLACE)
        written.append(pace.is_due(PLACE, 0, MUCH))
        clock.at_s += 1.0
    assert written == [False, False, False, True, False, False, True]
