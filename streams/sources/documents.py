"""Reads bytes as JSON or XML within the limits of schemas/limits.py: the first step of every adapter."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree.ElementTree import Element, ParseError  # types only: parsing is defusedxml's work

import defusedxml
import msgspec
import numpy as np
from defusedxml.ElementTree import fromstring

from schemas.errors import PoisonMessageError
from schemas.events.dead_letter import Reason
from schemas.limits import MAX_DEPTH, MAX_ITEMS, MAX_KEYS, MAX_MESSAGE_BYTES

#: Header of a record that only holds the beginning of a message; its value is the whole's length in bytes.
TRUNCATED_HEADER = "canh_truncated"

#: Members of one gzip: after each the rest is copied, so a message of empty ones would take seconds.
_MAX_MEMBERS = 1000

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_NOT_BRACKET = bytes(byte for byte in range(256) if byte not in b"[]{}")
_STEP = np.zeros(256, dtype=np.int32)
_STEP[list(b"[{")] = 1
_STEP[list(b"]}")] = -1

_any = msgspec.json.Decoder()
_raw_items = msgspec.json.Decoder(list[msgspec.Raw])


def plain(raw: bytes, headers: Mapping[str, bytes]) -> bytes:
    """Undo the content-encoding that a record declares (gzip), never beyond the size limit."""
    if TRUNCATED_HEADER in headers:
        length = headers[TRUNCATED_HEADER].decode("utf-8", "replace")
        raise PoisonMessageError(Reason.TOO_LARGE, f"message of {length[:20]} bytes: only its beginning was kept")
    encoding = headers.get("content-encoding", b"identity").strip().lower()
    if encoding in (b"", b"identity"):
        return raw
    if encoding != b"gzip":
        raise PoisonMessageError(
            Reason.BAD_ENCODING, f"content-encoding {encoding[:40]!r} is not read: use gzip or none"
        )
    return _inflated(raw)


def _inflated(raw: bytes) -> bytes:
    """Undo gzip: all members, one after the other, are one message (RFC 1952, section 2.2), and nothing else is there.

    Stops at the first byte beyond the size limit, which `check_size` then refuses.
    """
    parts: list[bytes] = []
    room = MAX_MESSAGE_BYTES + 1
    while (raw or not parts) and room > 0:
        if len(parts) == _MAX_MEMBERS:
            raise PoisonMessageError(Reason.TOO_LARGE, f"gzip of more than {_MAX_MEMBERS} members")
        inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            parts.append(inflater.decompress(raw, room))
        except zlib.error as error:
            member = f" (member {len(parts) + 1})" if parts else ""
            raise PoisonMessageError(Reason.BAD_ENCODING, f"not gzip as declared{member}: {error}") from error
        room -= len(parts[-1])
        if not inflater.eof and room > 0:
            raise PoisonMessageError(Reason.BAD_ENCODING, "not gzip as declared: the end is missing")
        raw = inflater.unused_data
    return b"".join(parts)


def check_size(raw: bytes) -> None:
    """Refuse an empty message and one beyond the size limit."""
    if len(raw) > MAX_MESSAGE_BYTES:
        raise PoisonMessageError(Reason.TOO_LARGE, f"message has {len(raw)} bytes, the limit is {MAX_MESSAGE_BYTES}")
    if not raw.strip():
        raise PoisonMessageError(Reason.BAD_SHAPE, "message is empty")


def check_json(raw: bytes) -> None:
    """Refuse what is too large or too deep, looking at the bytes only."""
    check_size(raw)
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH:
        brackets = _STRING.sub(b"", raw).translate(None, _NOT_BRACKET)
        depth = int(np.cumsum(_STEP[np.frombuffer(brackets, dtype=np.uint8)]).max(initial=0))
        if depth > MAX_DEPTH:
            raise PoisonMessageError(Reason.TOO_LARGE, f"JSON is {depth} levels deep, the limit is {MAX_DEPTH}")


def json_document(raw: bytes) -> Any:
    """Decode one JSON document; raises PoisonMessageError (bad_json, bad_encoding, bad_number, too_large)."""
    check_json(raw)
    document = _decode(_any, raw)
    _check_keys(document)
    return document


def json_item(raw: bytes) -> Any:
    """Decode one item of `json_items`."""
    item = _decode(_any, raw)
    _check_keys(item)
    return item


def json_items(raw: bytes) -> Iterator[bytes]:
    """Cut one object, an array of objects or NDJSON into the bytes of each item, so that one bad item harms no other.

    Lines are items when every line begins with a brace; a broken line is then one bad item.
    """
    check_json(raw)
    text = raw.strip()
    if text[:1] == b"[":
        items = [bytes(item) for item in _decode(_raw_items, raw)]
    else:
        lines = [line for line in (line.strip() for line in text.split(b"\n")) if line]
        items = lines if len(lines) > 1 and all(line[:1] == b"{" for line in lines) else [text]
    check_items(len(items))
    yield from items


def check_items(count: int) -> None:
    """Refuse a message that packs too many events, or none."""
    if count > MAX_ITEMS:
        raise PoisonMessageError(Reason.TOO_LARGE, f"message packs {count} items, the limit is {MAX_ITEMS}")
    if count == 0:
        raise PoisonMessageError(Reason.UNSUPPORTED, "message is an empty list: nothing in it is an event")


def xml_document(raw: bytes) -> Element:
    """Parse one XML document without DTDs and entities; raises PoisonMessageError (bad_xml, too_large)."""
    check_size(raw)
    try:
        root: Element = fromstring(raw, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    except (ParseError, defusedxml.DefusedXmlException, LookupError, ValueError) as error:
        raise PoisonMessageError(Reason.BAD_XML, f"not readable as XML: {error}"[:300]) from error
    _check_tree(root)
    return root


def local(tag: str) -> str:
    """Give an element's name without its namespace."""
    return tag.rpartition("}")[2]


def _decode(decoder: msgspec.json.Decoder[Any], raw: bytes) -> Any:
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:  # well-formed but for a number that no float can hold
        reason = Reason.BAD_NUMBER if "out of range" in str(error) else Reason.BAD_SHAPE
        raise PoisonMessageError(reason, str(error)) from error
    except RecursionError as error:
        raise PoisonMessageError(Reason.TOO_LARGE, "JSON is too deep") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _unreadable(raw, error) from error


def _unreadable(raw: bytes, error: Exception) -> PoisonMessageError:
    try:
        raw.decode()
    except UnicodeDecodeError as problem:
        return PoisonMessageError(Reason.BAD_ENCODING, f"not UTF-8: {problem.reason} at byte {problem.start}")
    return PoisonMessageError(Reason.BAD_JSON, str(error))


def _check_keys(document: Any) -> None:
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if len(value) > MAX_KEYS:
                raise PoisonMessageError(Reason.TOO_LARGE, f"an object has {len(value)} names, the limit is {MAX_KEYS}")
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _check_tree(root: Element) -> None:
    level, depth = [root], 1
    while level:
        if depth > MAX_DEPTH:
            raise PoisonMessageError(Reason.TOO_LARGE, f"XML is more than {MAX_DEPTH} levels deep")
        if any(len(element.attrib) > MAX_KEYS for element in level):
            raise PoisonMessageError(Reason.TOO_LARGE, f"an element has more than {MAX_KEYS} attributes")
        level, depth = [child for element in level for child in element], depth + 1
