"""Names the columns that a condition may read, per event type, with their types and meaning."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Type(StrEnum):
    """The types of the condition language: every number is a double, every text compares by code point."""

    NUMBER = "number"
    TEXT = "text"
    BOOL = "boolean"


N, T, B = Type.NUMBER, Type.TEXT, Type.BOOL

#: Columns of every event. `cadence_s` is the registered cadence of the source (NULL: irregular).
COMMON: Mapping[str, Type] = {"source": T, "lon": N, "lat": N, "commune": T, "cadence_s": N}

#: Columns by event type, as in schemas/events. A detection has `ended` when its sender says that it is over. Reports
#: and alerts tell of something of their own: `per: id` keeps them apart. A position also carries its unit's registered
#: home zone and, outside of it, the distance to it in metres (0 inside, NULL when unknown).
COLUMNS: Mapping[str, Mapping[str, Type]] = {
    "observation": {**COMMON, "device": T, "metric": T, "value": N},
    "detection": {**COMMON, "device": T, "label": T, "track": T, "area": T, "confidence": N, "count": N, "ended": B},
    "report": {**COMMON, "id": T, "text": T, "category": T, "channel": T, "urgency": T},
    "alert": {**COMMON, "id": T, "kind": T, "headline": T, "text": T, "device": T, "severity": N},
    "position": {
        **COMMON,
        "unit": T,
        "accuracy_m": N,
        "speed_mps": N,
        "heading_deg": N,
        "battery_pct": N,
        "home_zone": T,
        "home_distance_m": N,
    },
    "case": {**COMMON, "case_no": T, "status": T, "procedure": T, "agency": T},
}

#: The column that tells one thing from another, and the one worth showing, when a rule does not say.
DEFAULT_PER: Mapping[str, str] = {
    "observation": "device",
    "detection": "device",
    "report": "commune",
    "alert": "device",
    "position": "unit",
    "case": "case_no",
}
DEFAULT_VALUE: Mapping[str, str | None] = {
    "observation": "value",
    "detection": "confidence",
    "report": None,
    "alert": "severity",
    "position": None,
    "case": None,
}
