from __future__ import annotations

from types import SimpleNamespace

import pytest

from deploy.commands.replay import record_of
from deploy.commands.tap import _print
from schemas.topics import SOURCE_HEADER


@pytest.mark.parametrize("value", ['{"device": "gauge", "note": "Phú Lâm\\n"}', "<a>\n</a>", '{"value": "x"}', ""])
def test_what_tap_printed_is_replayed_as_it_was(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Recorded with `canh tap --json`, the record itself goes out again, not the line that tells of it."""
    header = [(SOURCE_HEADER, b"river")]
    _print(SimpleNamespace(timestamp=0, partition=1, offset=2, headers=header, value=value.encode()), as_json=True)
    assert record_of(capsys.readouterr().out.strip().encode()) == value.encode()


@pytest.mark.parametrize("line", [b'{"device": "gauge", "value": "1"}', b"<alert/>", b"\xff"])
def test_a_line_that_is_a_record_stays_as_it_is(line: bytes) -> None:
    """A file may hold the records themselves."""
    assert record_of(line) == line
