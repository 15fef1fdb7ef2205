"""Computes the hourly VN_AQI from hourly means, by Decision 1459/QĐ-TCMT of 12 November 2019 (its section 2.2.1).

Table 2 and the formulas were compared with a public transcript of the decision, not with the signed text. Two readings
are ours: where w is 1/2 the decision writes a sum of (1/2)^i * c_i, which is our weighted mean when all 12 hours are
there, and too low when some are missing; and halves are rounded up, as it only says "to an integer".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

#: The index at each breakpoint.
INDEX = (0, 50, 100, 150, 200, 300, 400, 500)

#: Concentrations at the breakpoints in ug/m3 (PM: 12 h Nowcast of hourly means; gases: 1 h means). The row of ozone is
#: the one for 1 h: the decision uses its row for 8 h in the daily index only, which we do not compute.
BREAKPOINTS: Mapping[str, tuple[float, ...]] = {
    "pm2_5": (0, 25, 50, 80, 150, 250, 350, 500),
    "pm10": (0, 50, 150, 250, 350, 420, 500, 600),
    "o3": (0, 160, 200, 300, 400, 800, 1000, 1200),
    "co": (0, 10_000, 30_000, 45_000, 60_000, 90_000, 120_000, 150_000),
    "so2": (0, 125, 350, 550, 800, 1600, 2100, 2630),
    "no2": (0, 100, 200, 700, 1200, 2350, 3100, 3850),
}

#: Hours that Nowcast looks back.
NOWCAST_HOURS = 12

PARTICLES = ("pm2_5", "pm10")
GASES = ("o3", "co", "so2", "no2")
#: How many hourly means each pollutant needs.
HOURS: Mapping[str, int] = {**dict.fromkeys(PARTICLES, NOWCAST_HOURS), **dict.fromkeys(GASES, 1)}


def sub_index(metric: str, concentration: float) -> int:
    """Give the index of one pollutant (ug/m3): linear between breakpoints, rounded, at most 500."""
    points = list(zip(BREAKPOINTS[metric], INDEX, strict=True))
    for (low, index_low), (high, index_high) in pairwise(points):
        if concentration <= high:
            share = (max(concentration, 0.0) - low) / (high - low)
            return math.floor(index_low + share * (index_high - index_low) + 0.5)
    return INDEX[-1]


def nowcast(hours: Sequence[float | None]) -> float | None:
    """Give the weighted mean of the last 12 hourly means, newest first; None with fewer than 2 of the newest 3.

    w = max(1/2, min/max); sum of w^i * c_i over sum of w^i, missing hours left out of both sums.
    """
    recent = hours[:NOWCAST_HOURS]
    known = [(i, value) for i, value in enumerate(recent) if value is not None]
    if sum(1 for i, _ in known if i < 3) < 2:
        return None
    highest = max(value for _, value in known)
    weight = 1.0 if highest <= 0 else max(0.5, min(value for _, value in known) / highest)
    return sum(weight**i * value for i, value in known) / sum(weight**i for i, _ in known)


def vn_aqi(hours: Mapping[str, Sequence[float | None]]) -> int | None:
    """Give a station's index from means newest first: the greatest of all sub-indices that can be computed.

    PM2.5 and PM10 count by their Nowcast, gases by the mean of the newest hour. None without either of PM2.5 and PM10,
    which the decision demands, however much there is of a gas.
    """
    dust = {metric: nowcast(hours.get(metric, ())) for metric in PARTICLES}
    if all(value is None for value in dust.values()):
        return None
    found = {**dust, **{metric: next(iter(hours.get(metric, ())), None) for metric in GASES}}
    return max(sub_index(metric, value) for metric, value in found.items() if value is not None)
