from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest

from schemas.events import Alert, Case, Detection, Mark, Position, PriorityEvent, Report
from streams.rules.rows import EventRows, FrameRows

AT = datetime(2025, 11, 19, tzinfo=UTC)
ENVELOPES: list[dict[str, Any]] = [
    {"id": "1", "lon": 108.05, "lat": 12.68, "commune": "24133", "zone_ids": ("commune:24133", "school:1")},
    {"id": "2", "marks": (Mark.FUTURE.value, Mark.SIMULATED.value)},
    {"id": "3", "lon": 108.1, "lat": 12.7, "marks": (Mark.SIMULATED.value,)},
]
KINDS: dict[str, tuple[type[PriorityEvent], list[dict[str, Any]], str]] = {
    "detection": (
        Detection,
        [
            {"device": "cam:1", "label": "fire", "confidence": 0.9},
            {"device": "cam:2", "label": "crowd", "count": 80, "ended_at": AT},
            {"device": "cam:3", "label": "fire", "track": "7", "area": "gate"},
        ],
        "label",
    ),
    "report": (Report, [{"text": "a", "category": "fire.report"}, {"text": "b"}, {"text": "c"}], "category"),
    "alert": (
        Alert,
        [
            {"kind": "flood", "headline": "h", "device": "d"},
            {"kind": "fire", "headline": "h", "severity": 4},
            {"kind": "flood", "headline": "h"},
        ],
        "device",
    ),
    "position": (Position, [{"unit": "u1"}, {"unit": "u2", "speed_mps": 3.5}, {"unit": "u1"}], "unit"),
    "case": (Case, [{"case_no": number, "status": "open" if number == "1" else "done"} for number in "121"], "status"),
}


@pytest.fixture(params=KINDS)
def rows(request: pytest.FixtureRequest) -> tuple[EventRows, FrameRows, str]:
    """Give the same events as they are, and as a frame; and a column of theirs that has words."""
    made, fields, words = KINDS[request.param]
    events = [
        made(source="s", observed_at=AT, received_at=AT, **envelope, **more)
        for envelope, more in zip(ENVELOPES, fields, strict=True)
    ]
    own = EventRows.of(request.param, events)
    return own, FrameRows(pl.DataFrame([own.series(name) for name in own.names])), words


def listed(column: Any) -> list[Any]:
    return [list(value) if isinstance(value, tuple) else value for value in column]


def test_events_have_the_columns_of_their_frame(rows: tuple[EventRows, FrameRows, str]) -> None:
    """What a condition reads and what a machine is told are the same values."""
    own, frame, _ = rows
    assert len(own) == len(frame) == len(ENVELOPES)
    assert set(own.names) == set(frame.names) > {"id", "source", "lon", "zone_ids", "observed_at"}
    assert not {"cadence_s", "home_zone", "home_distance_m"} & set(own.names)  # the registry's
    for name in own.names:
        assert listed(own.column(name)) == listed(frame.column(name))


def test_events_answer_as_their_frame_does(rows: tuple[EventRows, FrameRows, str]) -> None:
    """Rows are chosen by words and marks, in any order, whatever holds them."""
    own, frame, words = rows
    asked = np.array([2, 0])
    some = {own.column(words)[0], "nobody"}
    assert own.among(words, some, asked).tolist() == frame.among(words, some, asked).tolist()
    for mark in Mark:
        assert own.marked(mark).tolist() == frame.marked(mark).tolist()
    assert listed(own.pick(asked).column("id")) == listed(frame.pick(asked).column("id")) == ["3", "1"]


def test_no_rows_still_have_columns(rows: tuple[EventRows, FrameRows, str]) -> None:
    """All of them may be left out, for what their clocks say."""
    none = rows[0].pick([])
    assert (len(none), none.column("id"), none.series("marks").to_list()) == (0, [], [])
    assert none.marked(Mark.FUTURE).tolist() == none.among("id", {"1"}, np.array([], np.int64)).tolist() == []
