"""Chooses a chart's step and finds its gaps (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from schemas.store.abstract import SeriesPoint

#: Steps by their names in the URL, in seconds; 0 is as measured.
STEPS: dict[str, int] = {"raw": 0, "1m": 60, "1h": 3600, "1d": 86_400}
#: A chart is at most some 2,000 pixels wide: more points show nothing more.
POINTS_WANTED = 2000
#: A request for more points than this is refused with the step that would do.
POINTS_MAX = 50_000
#: A sender whose cadence nobody told is taken for one event in ten seconds.
CADENCE_S = 10.0
#: One missed event is jitter; a gap begins after two and a half cadences.
GAP_CADENCES = 2.5
#: A step with less than this share of the events that were due is a gap.
GAP_SHARE = 0.5

Span = tuple[datetime, datetime]


def points_of(span: timedelta, step_s: int, cadence_s: float | None) -> float:
    """Give how many points a chart will have."""
    return span.total_seconds() / (step_s or cadence_s or CADENCE_S)


def choose_step(span: timedelta, cadence_s: float | None) -> int:
    """Give the finest step that keeps a chart readable."""
    fits = (step for step in STEPS.values() if points_of(span, step, cadence_s) <= POINTS_WANTED)
    return next(fits, STEPS["1d"])


def gaps(
    points: Sequence[SeriesPoint], start: datetime, end: datetime, *, step_s: int, cadence_s: float | None
) -> list[tuple[int, int]]:
    """Give the times [from, to] in milliseconds in which a device should have sent and did not.

    `end` is not later than now. A device without a cadence has no gaps: nobody knows when it should have sent. Of
    rolled-up points those are gaps, too, that hold less than half of what should have come.
    """
    if cadence_s is None:
        return []
    step = timedelta(seconds=step_s)
    found = list(_holes(points, start, end, step, cadence_s))
    if step_s:
        thin = (_thin(point, max(point.at, start), min(point.at + step, end), cadence_s) for point in points)
        found = _joined(sorted([*found, *(span for span in thin if span is not None)]))
    return [(millis(left), millis(right)) for left, right in found]


def _holes(
    points: Sequence[SeriesPoint], start: datetime, end: datetime, step: timedelta, cadence_s: float
) -> Iterator[Span]:
    """Give the times without any point."""
    longest = max(timedelta(seconds=GAP_CADENCES * cadence_s), 1.5 * step)
    for i, (left, right) in enumerate(pairwise([start, *(point.at for point in points), end])):
        begin = left + step if i else left  # a rolled-up point stands for its whole step
        if right - left > longest and right > begin:
            yield begin, right


def _thin(point: SeriesPoint, begin: datetime, end: datetime, cadence_s: float) -> Span | None:
    """Give a rolled-up point's time when too little came in it; what is asked for may begin or end inside the step."""
    due = (end - begin).total_seconds() / cadence_s
    return (begin, end) if due >= GAP_CADENCES and point.count < GAP_SHARE * due else None


def _joined(spans: Sequence[Span]) -> list[Span]:
    """Give spans, sorted by their begin, as few as they are: those that touch become one."""
    joined: list[Span] = []
    for begin, end in spans:
        if joined and begin <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((begin, end))
    return joined


def millis(at: datetime) -> int:
    """Give milliseconds since the epoch."""
    return round(at.timestamp() * 1000)
