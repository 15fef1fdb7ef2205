from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from schemas.codec import encode
from schemas.errors import PoisonMessageError
from schemas.events import Case, Observation, ObservationBatch
from streams import hold as hold_module
from streams.hold import Hold, Part, Rows, parts_of
from tests.unit.streams.hands import NOW, canonical

SETTLE = timedelta(seconds=5)


def row(second: float, *, received: float = 60) -> Observation:
    at = NOW + timedelta(seconds=second)
    received_at = NOW + timedelta(seconds=received)
    return Observation(
        id="-", source="s", device=f"{second}", metric="rain", value=0.0, observed_at=at, received_at=received_at
    )


def parts(offset: int, *rows: Observation) -> list[Part]:
    return parts_of([canonical(offset, ObservationBatch.of(rows).to_bytes())])


def devices(found: list[Rows]) -> list[str]:
    return [device for rows in found if isinstance(rows, ObservationBatch) for device in rows.device]


def test_rows_leave_when_the_events_clock_has_left_them_behind() -> None:
    """A row of 0 s leaves when something of 5 s was read, not before."""
    hold = Hold(SETTLE)
    hold.add(parts(0, row(0)), NOW)
    hold.add(parts(1, row(4.999)), NOW)
    assert devices(hold.release()) == []
    hold.add(parts(2, row(5)), NOW)
    assert devices(hold.release()) == ["0"]
    assert hold.first_offset == 1
    assert hold.oldest == NOW + timedelta(seconds=4.999)


def test_a_part_is_cut_between_rows_that_leave_and_rows_that_stay() -> None:
    """Of one record some rows are old enough: they leave, the record is still needed."""
    hold = Hold(SETTLE)
    hold.add(parts(7, row(9), row(2), row(4), row(8)), NOW)
    assert devices(hold.release()) == ["2", "4"]
    assert hold.first_offset == 7


def test_a_sender_whose_clock_is_ahead_moves_nobodys_time() -> None:
    """What claims to be of tomorrow is taken at the time at which the broker took it."""
    hold = Hold(SETTLE)
    hold.add(parts(0, row(0), row(86_400, received=3)), NOW)
    assert hold.clock == NOW + timedelta(seconds=3)
    assert devices(hold.release()) == []
    hold.add(parts(1, row(8)), NOW)
    assert devices(hold.release()) == ["0", "86400"]


def test_what_comes_later_than_the_bound_is_counted_and_leaves_at_once() -> None:
    """It happened at or before the time up to which rows have left already."""
    hold = Hold(SETTLE)
    assert hold.add(parts(0, row(10)), NOW) == 0
    assert hold.add(parts(1, row(5), row(5.001)), NOW) == 1
    assert devices(hold.release()) == ["5"]


def test_rows_that_have_waited_by_the_wall_clock_leave_with_all_before_them() -> None:
    """Order is kept: what happened before the row that has waited leaves too, however short it has waited."""
    hold = Hold(SETTLE)
    hold.add(parts(0, row(3)), NOW)
    hold.add(parts(1, row(2), row(4)), NOW + timedelta(seconds=4))
    assert devices(hold.release_waiting(NOW + timedelta(seconds=4.9))) == []
    assert devices(hold.release_waiting(NOW + timedelta(seconds=5))) == ["3", "2"]
    assert hold.first_offset == 1


def test_without_a_bound_nothing_waits() -> None:
    """Settle 0: what came leaves at once, older or not."""
    hold = Hold(timedelta())
    assert hold.add(parts(0, row(5)), NOW) == 0
    assert devices(hold.release()) == ["5"]
    assert hold.add(parts(1, row(1)), NOW) == 0
    assert devices(hold.release()) == ["1"]
    assert hold.first_offset is None


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more rows than may be held the oldest leave before their time."""
    monkeypatch.setattr(hold_module, "MAX_ROWS", 2)
    hold = Hold(SETTLE)
    hold.add(parts(0, row(3), row(0), row(1), row(2)), NOW)
    assert devices(hold.release()) == ["0", "1", "2"]


def test_events_and_observations_wait_apart() -> None:
    """A run holds both: each keeps its record's offset and leaves in its own time."""
    received_at = NOW + timedelta(minutes=1)
    case = Case(id="c", source="s", observed_at=NOW, received_at=received_at, case_no="1", status="new", procedure="p")
    hold = Hold(SETTLE)
    record = canonical(3, ObservationBatch.of([row(1)]).to_bytes())
    hold.add(parts_of([record, canonical(4, encode(case))]), NOW)
    assert hold.first_offset == 3
    assert hold.oldest == NOW
    hold.add(parts(5, row(6)), NOW)
    left = hold.release()
    assert devices(left) == ["1"]
    assert left[1] == [case]
    assert hold.first_offset == 5


def test_what_cannot_be_read_is_refused_before_anything_is_held() -> None:
    """One bad record refuses the run; the carrier then finds out which."""
    with pytest.raises(PoisonMessageError):
        parts_of([canonical(0, ObservationBatch.of([row(0)]).to_bytes()), canonical(1, b"{")])


def test_a_record_without_rows_holds_nothing() -> None:
    """Nothing to wait for."""
    assert parts(0) == []


def test_nothing_read_nothing_known() -> None:
    """An empty hold has neither a clock nor an oldest row."""
    hold = Hold(SETTLE)
    none: datetime | None = None
    assert hold.clock is none
    assert hold.oldest is none
    assert hold.release() == []
    assert hold.release_waiting(NOW) == []
