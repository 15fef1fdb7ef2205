"""Splits a body into the raw records that travel on the bus (pure)."""

from __future__ import annotations

import codecs

import msgspec

from api.problem import BAD_REQUEST, TOO_LARGE, ProblemError

#: The adapter whose messages are one event each, so that an array of them is many messages.
NATIVE = "native"
_LINES = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"})

_raw_list = msgspec.json.Decoder(list[msgspec.Raw])
_raw = msgspec.json.Decoder(msgspec.Raw)


def split(body: bytes, source_format: str, content_type: str, items_max: int) -> list[bytes]:
    """Give the records of a body.

    NDJSON is a record a line, whatever the format; an array is a record an item in our own format, and one record in
    every other (a SenML pack is an array). What cannot be split stays whole: the edge rules then say why it is bad.
    A byte order mark before UTF-8, as some Windows programs write it, is left out (RFC 8259 section 8.1).
    Raises ProblemError 400 for an empty body and 413 for too many items.
    """
    body = body.removeprefix(codecs.BOM_UTF8)
    items = _lines(body) if _is_lines(body, source_format, content_type) else _array(body, source_format)
    if not items or not any(item.strip() for item in items):
        raise ProblemError(BAD_REQUEST, "the body is empty", fix="send one event, a JSON array or NDJSON")
    if len(items) > items_max:
        raise ProblemError(TOO_LARGE, f"a body may hold {items_max} items", limit_items=items_max)
    return items


def _is_lines(body: bytes, source_format: str, content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type in _LINES:
        return True
    if source_format != NATIVE or not body.lstrip().startswith(b"{") or b"\n" not in body.strip():
        return False
    return not _is_document(body)  # objects line by line under a plain JSON type, as `curl --data-binary` sends them


def _lines(body: bytes) -> list[bytes]:
    return [line.strip() for line in body.split(b"\n") if line.strip()]


def _array(body: bytes, source_format: str) -> list[bytes]:
    if source_format != NATIVE or not body.lstrip().startswith(b"["):
        return [body]
    try:
        return [bytes(item) for item in _raw_list.decode(body)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return [body]


def _is_document(body: bytes) -> bool:
    try:
        _raw.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True
