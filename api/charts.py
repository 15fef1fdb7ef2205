"""Chooses a chart's step and finds its gaps (pure)."""

from __future__ import annotations

from collections.abc import Sequence
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

    `end` is not later than now. A device without a cadence has no gaps: nobody knows when it should have sent.
    """
    if cadence_s is None:
        return []
    longest = timedelta(seconds=max(GAP_CADENCES * cadence_s, 1.5 * step_s))
    times = [start, *(point.at for point in points), end]
    # A rolled-up point stands for its whole step.
    lasts = timedelta(seconds=step_s)
    found = []
    for i, (left, right) in enumerate(pairwise(times)):
        begin = left + lasts if i else left
        if right - left > longest and right > begin:
            found.append((millis(begin), millis(right)))
    return found


def millis(at: datetime) -> int:
    """Give milliseconds since the epoch."""
    return round(at.timestamp() * 1000)
