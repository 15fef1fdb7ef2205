"""Knows how far a lane is behind the world: how long ago all was there that has been worked by now.

Pure bookkeeping without I/O and without a clock: surveys tell where logs end and how far the hops before have come, the
watermark how far our own. Times are seconds of a monotonic clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from streams.watermark import Place


@dataclass(frozen=True, slots=True)
class Lag:
    """How long ago all was there that a hop knows of a partition; None: nobody can tell now.

    `here` is about the partition alone. `sources` is about the topic before it, too: whatever was in any of its
    partitions that long ago has been passed on and worked.
    """

    here: timedelta | None
    sources: timedelta | None


#: Nothing is behind.
NO_LAG = Lag(timedelta(0), timedelta(0))


@dataclass(frozen=True, slots=True)
class Survey:
    """What broker and database said. `ends` are of our topics, `before` of the topics that these are made from.

    `asked_s` is when the ends were asked for; `done` is how far the hops before have come, and was asked for after it.
    """

    asked_s: float
    ends: Mapping[Place, int]
    before: Mapping[Place, int] = field(default_factory=dict)
    done: Mapping[Place, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Mark:
    """An end to be reached: then all of `asked_s` is worked, and of the topic before all of `sources_s`."""

    end: int
    asked_s: float
    sources_s: float | None


class Headway:
    """Judges partitions by ends that were sampled a moment ago: new records, and runs under way, do not move those.

    `topic_before` gives the topic that one is made from, None when it comes from outside.
    """

    def __init__(self, topic_before: Mapping[str, str | None]) -> None:
        self._topic_before = topic_before
        self._marks: dict[Place, _Mark] = {}
        self._reached: dict[Place, _Mark] = {}
        self._owed: dict[str, tuple[float, Mapping[Place, int]]] = {}  # by topic before: its ends, and when asked for
        self._passed_on_s: dict[str, float] = {}  # by topic before

    def forget(self) -> None:
        """Judge anew: partitions were taken over, and their hops read again what they had in memory only."""
        self._marks.clear()
        self._reached.clear()

    def note(self, survey: Survey, finished: Callable[[Place], int | None]) -> None:
        """Take a survey in; `finished` gives the offset below which our hops have worked all of a partition."""
        for place, end in survey.ends.items():
            # What is passed on from here on may lie beyond the end.
            fresh = _Mark(end, survey.asked_s, self._sources_s(place.topic, survey.asked_s))
            self._judge(place, fresh, finished(place))
        for topic in {before for before in self._topic_before.values() if before is not None}:
            self._note_before(topic, survey)

    def lag(self, place: Place, now_s: float) -> Lag:
        """Give how far a partition is behind."""
        mark = self._reached.get(place)
        return Lag(None, None) if mark is None else Lag(_since(mark.asked_s, now_s), _since(mark.sources_s, now_s))

    def _judge(self, place: Place, fresh: _Mark, at: int | None) -> None:
        """Compare where our hops are with the mark that stands, and then with a new one."""
        mark = self._marks.pop(place, None)
        if at is None:
            self._reached.pop(place, None)
            return
        if mark is not None and mark.end <= fresh.end:  # else the log is another one by now
            if at < mark.end:
                self._marks[place] = mark
                return
            self._reached[place] = mark
        if at < fresh.end:
            self._marks[place] = fresh
        else:
            self._reached[place] = fresh

    def _sources_s(self, topic: str, asked_s: float) -> float | None:
        before = self._topic_before.get(topic)
        return asked_s if before is None else self._passed_on_s.get(before)

    def _note_before(self, topic: str, survey: Survey) -> None:
        ends = {place: end for place, end in survey.before.items() if place.topic == topic}
        if not ends:  # nothing is known of it
            return
        for asked_s, owed in (self._owed.pop(topic, (survey.asked_s, ends)), (survey.asked_s, ends)):
            if any(ends.get(place, 0) < end for place, end in owed.items()):
                continue  # another log by now
            if any(survey.done.get(place, 0) < end for place, end in owed.items()):
                self._owed[topic] = asked_s, owed
                return
            self._passed_on_s[topic] = asked_s


def _since(then_s: float | None, now_s: float) -> timedelta | None:
    return None if then_s is None else timedelta(seconds=now_s - then_s)
