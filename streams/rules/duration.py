"""Reads the durations of rule files: "90s", "10m", "1h30m", "2d"."""

from __future__ import annotations

import re
from datetime import timedelta

from schemas.errors import RuleError

_UNITS_S = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_WHOLE = re.compile(r"(?:\d+(?:\.\d+)?[dhms])+")
_PART = re.compile(r"(\d+(?:\.\d+)?)([dhms])")

#: No rule looks further than this: its state would outlive every retention.
LONGEST = timedelta(days=31)


def duration(text: str) -> timedelta:
    """Give the time span that a text names; raises RuleError with an example."""
    if not _WHOLE.fullmatch(text):
        raise RuleError(f"{text!r} is not a duration; write it like 90s, 10m, 1h30m or 2d")
    span = timedelta(seconds=sum(float(number) * _UNITS_S[unit] for number, unit in _PART.findall(text)))
    if span > LONGEST:
        raise RuleError(f"{text!r} is longer than {LONGEST.days} days")
    return span
