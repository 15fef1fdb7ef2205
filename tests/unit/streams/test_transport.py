from __future__ import annotations

import pytest

from streams import transport
from tests.unit.streams.hands import record


@pytest.mark.parametrize(("count", "lengths"), [(0, []), (1, [1]), (5, [5]), (6, [3, 3]), (11, [3, 4, 4])])
def test_what_was_fetched_is_cut_into_runs_of_about_one_length(
    monkeypatch: pytest.MonkeyPatch, count: int, lengths: list[int]
) -> None:
    """No record is left out and none comes twice; a long run would hold up the event loop."""
    monkeypatch.setattr(transport, "MOST_RECORDS", 5)
    records = [record(offset, b"") for offset in range(count)]
    runs = list(transport.cut(records))
    assert [len(run) for run in runs] == lengths
    assert [each for run in runs for each in run] == records
