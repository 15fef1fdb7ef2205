from __future__ import annotations

from typing import Any

import pytest
from starlette.datastructures import Headers

from api.ingest.headers import CLOUD_HEADERS_MAX, HEADER_BYTES_MAX, record_headers
from api.problem import ProblemError


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("42", "42"),
        ("Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀"),  # the example of section 3.1.3.2
        ("Tr%E1%BA%A1m%20%22S%C3%B4ng%20Ba%22", 'Trạm "Sông Ba"'),
        ("%e2%82%ac", "€"),
        ("%41%2D%2541", "A-%41"),  # needlessly encoded is taken, and only one round is undone
        (r'"in \"quotes\" and \\ all%21"', r'in "quotes" and \ all!'),
        ("100%", "100%"),
        ('"', '"'),
        ("", ""),
    ],
)
def test_attributes_are_decoded_as_the_http_binding_says(written: str, meant: str) -> None:
    """Over HTTP an attribute is percent-encoded, in Kafka's headers it is plain UTF-8."""
    assert record_headers(Headers({"ce-subject": written}))["ce_subject"].decode() == meant


def test_only_the_content_type_and_attributes_travel() -> None:
    """The content type goes as it is, with JSON where there is none."""
    found = record_headers(Headers({"Content-Type": "a/b; c=%41", "CE-My-Own": "1", "X-Other": "no", "Cookie": "c"}))
    assert found == {"content-type": b"a/b; c=%41", "ce_my_own": b"1"}
    assert record_headers(Headers({})) == {"content-type": b"application/json"}


@pytest.mark.parametrize(
    ("headers", "reason", "field"),
    [
        ({"ce-subject": "%C0%A0"}, "bad_encoding", "ce-subject"),  # overlong: section 3.1.3.2 demands its refusal
        ({"ce-subject": "Tr\xe9s"}, "bad_encoding", "ce-subject"),
        ({"ce-id": "x" * (HEADER_BYTES_MAX + 1)}, "too_large", "ce-id"),
        ({"content-type": "x" * (HEADER_BYTES_MAX + 1)}, "too_large", "content-type"),
        ({f"ce-x{n}": "1" for n in range(CLOUD_HEADERS_MAX + 1)}, "too_large", f"ce-x{CLOUD_HEADERS_MAX}"),
    ],
)
def test_a_header_that_cannot_travel_whole_is_named(headers: dict[str, Any], reason: str, field: str) -> None:
    """A cut id would make two events one: the sender is told instead."""
    with pytest.raises(ProblemError) as refused:
        record_headers(Headers(headers))
    assert refused.value.kind.status == 400
    assert (refused.value.extra["reason"], refused.value.extra["field"]) == (reason, field)


def test_the_longest_header_is_taken_whole() -> None:
    """The limit is of the decoded bytes."""
    found = record_headers(Headers({"ce-id": "%41" * HEADER_BYTES_MAX}))
    assert found["ce_id"] == b"A" * HEADER_BYTES_MAX
