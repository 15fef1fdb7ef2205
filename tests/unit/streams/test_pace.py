from __future__ import annotations

import pytest

from streams.pace import Pace
from streams.watermark import Place

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
    assert pace.is_due(PLACE, 0)
    assert pace.is_due(OTHER, 0)
    clock.at_s += 3.0
    assert pace.is_due(PLACE, 7)
    assert pace.owed_from(PLACE) is None


def test_what_comes_often_is_owed_from_the_first_run_that_was_not_written(pace: Pace, clock: Clock) -> None:
    """The offset must not pass it."""
    pace.is_due(PLACE, 0)
    for first in (10, 20):
        clock.at_s += 1.0
        assert not pace.is_due(PLACE, first)
    assert pace.owed_from(PLACE) == 10


def test_what_is_owed_is_settled_when_it_is_time_and_not_before(pace: Pace, clock: Clock) -> None:
    """A tick comes every second: it must not undo the pace, and must not forget what nobody sends anything after."""
    pace.is_due(PLACE, 0)
    clock.at_s += 1.0
    pace.is_due(PLACE, 10)
    clock.at_s += 1.0
    assert not pace.settle(PLACE)
    assert pace.owed_from(PLACE) == 10
    clock.at_s += 1.0
    assert pace.settle(PLACE)
    assert pace.owed_from(PLACE) is None
    assert not pace.settle(PLACE)


def test_who_writes_anyway_settles_too(pace: Pace, clock: Clock) -> None:
    """Then nothing is owed any more, and the next write is a while away again."""
    pace.is_due(PLACE, 0)
    clock.at_s += 1.0
    pace.is_due(PLACE, 10)
    assert pace.settle(PLACE, hurried=True)
    clock.at_s += 2.0
    assert not pace.is_due(PLACE, 20)


def test_a_forgotten_partition_begins_anew(pace: Pace) -> None:
    """Its records come again, and the first run is written whole."""
    pace.is_due(PLACE, 0)
    pace.is_due(PLACE, 10)
    pace.forget(PLACE)
    assert pace.owed_from(PLACE) is None
    assert not pace.settle(PLACE)
    assert pace.is_due(PLACE, 0)
