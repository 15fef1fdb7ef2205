from __future__ import annotations

from datetime import timedelta

import pytest

from streams.headway import Headway, Lag, Survey
from streams.watermark import Place, Watermark

HERE, THERE = Place("canh.observations", 0), Place("canh.observations", 1)
RAW = Place("canh.raw.bulk", 0), Place("canh.raw.bulk", 1)
BEFORE = {HERE.topic: RAW[0].topic}


class Lane:
    """Two partitions that are read from 5 on, and what was told of them."""

    def __init__(self, *, before: bool = False) -> None:
        self.headway = Headway(BEFORE if before else {HERE.topic: None})
        self.watermark = Watermark()
        for place in (HERE, THERE):
            self.watermark.assign(place, 5)

    def note(self, at_s: float, *ends: int, raw: tuple[int, int] = (0, 0), done: tuple[int, int] = (0, 0)) -> None:
        """Tell the ends of a survey, and those of the topic before."""
        survey = Survey(
            at_s, dict(zip((HERE, THERE), ends, strict=False)), dict(zip(RAW, raw, strict=True)),
            dict(zip(RAW, done, strict=True)),
        )  # fmt: skip
        self.headway.note(survey, self.watermark.finished)

    def work(self, place: Place, first: int, last: int) -> None:
        """Read records, and finish them."""
        ticket = self.watermark.read(place, first, last, frozenset({"evaluate"}))
        assert ticket is not None
        self.watermark.finish(ticket, "evaluate")

    def here_s(self, place: Place, now_s: float) -> float | None:
        here = self.headway.lag(place, now_s).here
        return None if here is None else here.total_seconds()

    def sources_s(self, now_s: float) -> float | None:
        sources = self.headway.lag(HERE, now_s).sources
        return None if sources is None else sources.total_seconds()


@pytest.mark.parametrize(("end", "behind_s"), [(5, 1.0), (6, None)])
def test_a_partition_is_up_to_date_when_every_hop_has_all_that_the_broker_has(end: int, behind_s: float | None) -> None:
    """Nothing unread: as old as the survey; a record more: nobody knows how far it is behind."""
    lane = Lane()
    lane.note(10.0, end)
    assert lane.here_s(HERE, 11.0) == behind_s


def test_before_anything_was_told_nothing_is_known() -> None:
    """No time may pass then."""
    assert Lane().headway.lag(HERE, 11.0) == Lag(None, None)


def test_what_is_read_but_not_finished_is_behind() -> None:
    """A run that a hop still works on counts as unread; finished, it does not."""
    lane = Lane()
    ticket = lane.watermark.read(HERE, 5, 7, frozenset({"store"}))
    assert ticket is not None
    lane.note(10.0, 8)
    assert lane.here_s(HERE, 10.0) is None
    lane.watermark.finish(ticket, "store")
    lane.note(11.0, 8)
    assert lane.here_s(HERE, 11.0) == 0


def test_what_a_hop_only_holds_is_not_behind() -> None:
    """Held rows wait for time to pass: were the partition behind because of them, it never would."""
    lane = Lane()
    ticket = lane.watermark.read(HERE, 5, 7, frozenset({"evaluate"}))
    assert ticket is not None
    lane.watermark.keep(HERE, "evaluate", 5)
    lane.watermark.finish(ticket, "evaluate")
    lane.note(10.0, 8)
    assert lane.here_s(HERE, 10.0) == 0


def test_steady_traffic_is_a_moment_behind_and_its_neighbour_not_at_all() -> None:
    """There is a run under way at every survey: what was there at the one before has been worked all the same."""
    lane = Lane()
    for second in range(10):
        lane.note(second, 5, 105 + 100 * second)
        lane.work(THERE, 5 + 100 * second, 104 + 100 * second)
    assert lane.here_s(THERE, 9.0) == 1.0
    assert lane.here_s(HERE, 9.0) == 0


def test_a_partition_that_went_away_is_not_judged() -> None:
    """It may be far behind by now, for another worker."""
    lane = Lane()
    lane.note(10.0, 5)
    lane.watermark.revoke(HERE)
    lane.note(11.0, 5)
    assert lane.here_s(HERE, 11.0) is None


def test_what_was_taken_over_is_judged_anew() -> None:
    """A hop reads again what it had in its memory only: until then it knows less than it did."""
    lane = Lane()
    lane.note(10.0, 5)
    lane.headway.forget()
    assert lane.here_s(HERE, 10.0) is None


def test_a_log_that_begins_anew_is_not_measured_by_the_old_one() -> None:
    """Else its partition would count as behind until it is as long as the old one was."""
    lane = Lane()
    lane.note(10.0, 1000)
    lane.watermark.assign(HERE, 0)
    lane.note(11.0, 0)
    assert lane.here_s(HERE, 11.0) == 0


def test_without_surveys_time_stands_still() -> None:
    """A broker that is away tells nothing new: the lag grows as the clock goes on."""
    lane = Lane()
    lane.note(10.0, 5)
    assert lane.here_s(HERE, 130.0) == 120.0


def test_the_topic_before_must_be_passed_on_and_then_worked() -> None:
    """The last raw record's reading was sent on after the end of ours was sampled: it counts with the next sample."""
    lane = Lane(before=True)
    lane.note(10.0, 5, raw=(7, 9), done=(7, 9))
    assert lane.headway.lag(HERE, 10.0) == Lag(timedelta(0), None)
    lane.note(11.0, 6, raw=(7, 9), done=(7, 9))
    assert lane.sources_s(11.0) is None
    lane.work(HERE, 5, 5)
    lane.note(12.0, 6, raw=(8, 9), done=(7, 9))
    assert lane.sources_s(12.0) == 1.0


def test_a_step_before_that_is_down_stops_the_time_here() -> None:
    """It may be another process: all that is known of it is what it has stored. Any of its partitions may feed us."""
    lane = Lane(before=True)
    for second in range(60):
        lane.note(second, 5, raw=(7, 9 + second), done=(7, 9))
    assert lane.here_s(HERE, 59.0) == 0
    assert lane.sources_s(59.0) == 59.0


def test_a_step_before_of_which_nothing_is_known_stops_the_time_too() -> None:
    """A topic without partitions is one that the broker has not told us of."""
    lane = Lane(before=True)
    for second in range(3):
        lane.headway.note(Survey(second, {HERE: 5}), lane.watermark.finished)
    assert lane.sources_s(2.0) is None


def test_the_topic_before_may_begin_anew() -> None:
    """Its old end is nobody's goal any more."""
    lane = Lane(before=True)
    lane.note(10.0, 5, raw=(700, 900), done=(7, 9))
    lane.note(11.0, 5, raw=(3, 3), done=(3, 3))
    lane.note(12.0, 5, raw=(3, 3), done=(3, 3))
    assert lane.sources_s(12.0) == 1.0
