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


@pytest.mark.parametrize(
    ("sizes", "lengths"),
    [
        ([10] * 4, [4]),  # long enough to be long, few enough bytes
        ([10] * 9, [3, 3, 3]),
        ([9] * 9, [9]),  # short records: their bytes do not count
        ([100, 100], [1, 1]),  # a record is not cut, and no run is empty
        ([10] * 40, [4] * 10),
    ],
)
def test_long_records_come_in_runs_of_fewer_bytes(
    monkeypatch: pytest.MonkeyPatch, sizes: list[int], lengths: list[int]
) -> None:
    """The database has its first rows sooner."""
    monkeypatch.setattr(transport, "LONG_BYTES", 10)
    monkeypatch.setattr(transport, "MOST_BYTES", 40)
    records = [record(offset, bytes(size)) for offset, size in enumerate(sizes)]
    runs = list(transport.cut(records))
    assert [len(run) for run in runs] == lengths
    assert [each for run in runs for each in run] == records
