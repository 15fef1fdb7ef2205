"""A smooth line through published points that never passes beyond them: monotone cubic interpolation."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import pairwise

Point = tuple[float, float]


def through(points: Sequence[Point]) -> Callable[[float], float]:
    """Give y(x) through points sorted by x; before the first and after the last it stays at their values.

    Slopes after Fritsch and Carlson (1980) in the form of Fritsch and Butland (1984): zero at every local extreme,
    so a published peak is the peak.
    """
    slopes = _slopes(points)
    xs = [x for x, _ in points]

    def y(x: float) -> float:
        if x <= xs[0]:
            return points[0][1]
        if x >= xs[-1]:
            return points[-1][1]
        i = bisect_right(xs, x) - 1
        return _hermite(points[i], points[i + 1], slopes[i], slopes[i + 1], x)

    return y


def crossing(y: Callable[[float], float], low: float, high: float, level: float) -> float:
    """Give the x between `low` and `high` at which y, monotone there, is at `level` (by bisection, 1e-6 exact)."""
    falling = y(low) > y(high)
    while high - low > 1e-6:
        middle = (low + high) / 2
        if (y(middle) > level) == falling:
            low = middle
        else:
            high = middle
    return high


def _slopes(points: Sequence[Point]) -> list[float]:
    steps = [(x2 - x1, (y2 - y1) / (x2 - x1)) for (x1, y1), (x2, y2) in pairwise(points)]
    inner = [_slope(h1, d1, h2, d2) for (h1, d1), (h2, d2) in pairwise(steps)]
    return [0.0, *inner, 0.0]


def _slope(h1: float, d1: float, h2: float, d2: float) -> float:
    """Weighted harmonic mean of two neighbouring slopes, zero where they differ in sign."""
    if d1 * d2 <= 0:
        return 0.0
    w1, w2 = 2 * h2 + h1, h2 + 2 * h1
    return (w1 + w2) / (w1 / d1 + w2 / d2)


def _hermite(a: Point, b: Point, slope_a: float, slope_b: float, x: float) -> float:
    h = b[0] - a[0]
    t = (x - a[0]) / h
    bend = t * (1 - t) * ((1 - t) * slope_a - t * slope_b) * h
    return a[1] + (b[1] - a[1]) * t * t * (3 - 2 * t) + bend
