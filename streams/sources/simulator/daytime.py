"""How busy a Vietnamese city is at a time of day, and the times at which a device with a cadence speaks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

#: Viet Nam has one time zone without summer time.
LOCAL_OFFSET_H = 7


def ticks(start: datetime, end: datetime, cadence_s: float, chance: Random) -> Iterator[datetime]:
    """Give the times of a device: its cadence from a phase of its own, so that not all speak at once."""
    at = start + timedelta(seconds=round(chance.uniform(0, cadence_s), 1))
    while at < end:
        yield at
        at += timedelta(seconds=cadence_s)


def busy(at: datetime) -> float:
    """Give 0.05 (night) to 1 (rush hours about 7:30 and 17:30 local time)."""
    hour = (at.hour + LOCAL_OFFSET_H + at.minute / 60) % 24
    rush = math.exp(-(((hour - 7.5) / 1.5) ** 2)) + math.exp(-(((hour - 17.5) / 2) ** 2))
    day = 0.45 if 6 <= hour < 21 else 0.05
    return min(1.0, max(day, rush))
