"""Bodies into records."""

from __future__ import annotations

import pytest

from api.ingest.split import split
from api.problem import ProblemError


def test_an_array_of_our_own_format_is_many_records() -> None:
    """Each item keeps its own bytes."""
    assert split(b' [{"a": 1}, {"b":2.50}]', "native", "application/json", 10) == [b'{"a": 1}', b'{"b":2.50}']


def test_an_array_of_another_format_is_one_record() -> None:
    """A SenML pack is an array and one message."""
    body = b'[{"bn":"x"},{"n":"y"}]'
    assert split(body, "senml", "application/senml+json", 10) == [body]


@pytest.mark.parametrize("fmt", ["native", "ngsi_ld"])
def test_lines_are_records_in_any_format(fmt: str) -> None:
    """NDJSON is one message a line; empty lines and CR are no matter."""
    assert split(b'{"a":1}\r\n\n{"b":2}\n', fmt, "application/x-ndjson; charset=utf-8", 10) == [b'{"a":1}', b'{"b":2}']


def test_lines_under_a_plain_json_type_are_found() -> None:
    """Objects line by line are NDJSON; one object over several lines is one record."""
    assert split(b'{"a":1}\n{"b":2}', "native", "application/json", 10) == [b'{"a":1}', b'{"b":2}']
    assert split(b'{"a":\n1}', "native", "application/json", 10) == [b'{"a":\n1}']


@pytest.mark.parametrize(
    ("body", "fmt", "records"),
    [
        (b'{"a":1}', "native", [b'{"a":1}']),
        (b'[{"a":1},2]', "native", [b'{"a":1}', b"2"]),
        (b'{"a":1}\n{"b":2}', "native", [b'{"a":1}', b'{"b":2}']),
        (b'[{"n":"x"}]', "senml", [b'[{"n":"x"}]']),
    ],
)
def test_a_byte_order_mark_is_no_part_of_the_json(body: bytes, fmt: str, records: list[bytes]) -> None:
    """Some programs of Windows put it before UTF-8; nobody means it."""
    assert split(b"\xef\xbb\xbf" + body, fmt, "application/json", 10) == records


def test_a_bad_line_does_not_spoil_the_others() -> None:
    """A line that is no JSON is a record like the others: the edge rules refuse it by itself."""
    assert split(b'{"a":1}\nrubbish\n{"b":2}', "native", "application/x-ndjson", 10) == [
        b'{"a":1}',
        b"rubbish",
        b'{"b":2}',
    ]


@pytest.mark.parametrize("body", [b"[1,2", b"[" * 100_000])
def test_what_cannot_be_split_stays_whole(body: bytes) -> None:
    """A broken array goes on as it is, so that its refusal has all its bytes."""
    assert split(body, "native", "application/json", 10) == [body]


@pytest.mark.parametrize("body", [b"", b" \n ", b"[]"])
def test_an_empty_body_is_refused(body: bytes) -> None:
    """Nothing to take is the sender's mistake."""
    with pytest.raises(ProblemError) as caught:
        split(body, "native", "application/x-ndjson" if body != b"[]" else "application/json", 10)
    assert caught.value.kind.status == 400


def test_too_many_items_are_refused() -> None:
    """The number of items is capped."""
    with pytest.raises(ProblemError) as caught:
        split(b"[1,2,3]", "native", "application/json", 2)
    assert caught.value.kind.status == 413
