"""Reads CloudEvents 1.0: structured JSON, batches, the XML format and binary mode; the data goes to another adapter."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from xml.etree.ElementTree import Element, tostring  # no parsing: that is defusedxml's work

import msgspec

from schemas.errors import PoisonMessageError
from schemas.events import Source
from schemas.events.dead_letter import Reason
from streams.sources.abstract import Adapter, Draft
from streams.sources.documents import check_items, check_json, json_document, local, plain, xml_document

#: Attributes that every event must carry (CloudEvents 1.0.2, section 3.1).
REQUIRED = ("id", "source", "type")
#: Media type of one event as a JSON object.
STRUCTURED = b"application/cloudevents+json"
_NAMESPACE = "{http://cloudevents.io/xmlformat/V1}"


class CloudEvents:
    """CloudEvents: `data` is read by the adapter that the option `data_format` names (native, JSON, when none is).

    The attribute `time` stands in for a missing time, `source` and `id` for a missing event id.
    """

    format = "cloudevents"
    title = "CloudEvents 1.0: structured, batch, XML, binary (ce_ headers)"

    def __init__(self, find: Callable[[str], Adapter]) -> None:
        self._find = find

    def read(self, raw: bytes, source: Source, headers: Mapping[str, bytes]) -> Iterator[Draft | PoisonMessageError]:
        """Give the drafts of each event's data."""
        inner = self._find(source.options.get("data_format", "native"))
        for event in _events(raw, headers):
            try:
                data = _data(event)
                _refuse_unnamed_xml(data, source)
                drafts = list(inner.read(data, source, headers))
            except PoisonMessageError as error:
                yield error
                continue
            for index, draft in enumerate(drafts):
                yield draft if isinstance(draft, PoisonMessageError) else _completed(draft, event, index)


class _Sender(msgspec.Struct):
    """What of an event tells where it comes from; its other attributes are skipped unread."""

    source: str = ""


_sender = msgspec.json.Decoder(_Sender)


def is_structured(headers: Mapping[str, bytes]) -> bool:
    """Say whether a record is one whole event in JSON (structured mode of the Kafka protocol binding, 3.3)."""
    return headers.get("content-type", b"").partition(b";")[0].strip().lower() == STRUCTURED


def source_of(raw: bytes, headers: Mapping[str, bytes]) -> str:
    """Give the attribute `source` of an event in structured mode, empty where it cannot be read."""
    try:
        body = plain(raw, headers)
        check_json(body)
        return _sender.decode(body).source
    except (PoisonMessageError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""


def _completed(draft: Draft, event: dict[str, Any], index: int) -> Draft:
    event_id = f"{event['source']}#{event['id']}#{index}"[:256]
    relative = draft.after_reception_s is not None
    return replace(
        draft,
        at=event.get("time") if draft.at is None and not relative else draft.at,
        event_id=draft.event_id or event_id,
    )


def _events(raw: bytes, headers: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """Give the events as objects; raises PoisonMessageError when this is no CloudEvent."""
    if raw.lstrip()[:1] == b"<" and _is_xml_format(headers):
        return _xml_events(raw)
    document = None if headers.get("ce_specversion") else json_document(raw)
    if document is None:
        return _binary_or_structured(raw, headers)
    events = document if isinstance(document, list) else [document]
    check_items(len(events))
    return events


def _is_xml_format(headers: Mapping[str, bytes]) -> bool:
    return "ce_specversion" not in headers or b"cloudevents+xml" in headers.get("content-type", b"")


def _binary_or_structured(raw: bytes, headers: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """Read a record with ce_ headers: its value is the data, unless the content type says a whole event."""
    if b"cloudevents" in headers.get("content-type", b""):
        document = json_document(raw)
        return document if isinstance(document, list) else [document]
    event: dict[str, Any] = {
        name.removeprefix("ce_"): value.decode("utf-8", "replace")
        for name, value in headers.items()
        if name[:3] == "ce_"
    }
    content_type = headers.get("content-type", b"").decode("utf-8", "replace")
    return [event | {"datacontenttype": content_type, "data_base64": base64.b64encode(raw).decode()}]


def _data(event: Any) -> bytes:
    """Check the attributes, give the data as bytes for the inner adapter."""
    if not isinstance(event, dict):
        raise PoisonMessageError(Reason.BAD_SHAPE, "a CloudEvent is a JSON object")
    version = event.get("specversion")
    if version is None:
        raise PoisonMessageError(Reason.BAD_SHAPE, "specversion is missing: this is no CloudEvent", field="specversion")
    if version != "1.0":
        raise PoisonMessageError(
            Reason.UNSUPPORTED, f"specversion {str(version)[:20]!r} is not 1.0", field="specversion"
        )
    for name in REQUIRED:
        if not isinstance(event.get(name), str) or not event[name]:
            raise PoisonMessageError(Reason.BAD_SHAPE, f"attribute {name} is missing", field=name)
    content_type = str(event.get("datacontenttype") or "application/json").lower()
    if not ("json" in content_type or "xml" in content_type):
        raise PoisonMessageError(
            Reason.UNSUPPORTED, f"data is {content_type[:60]}: JSON or XML is read", field="datacontenttype"
        )
    if "data_base64" in event:
        return _from_base64(event["data_base64"])
    if event.get("data") is None:
        raise PoisonMessageError(Reason.UNSUPPORTED, "event has no data", field="data")
    data = event["data"]
    return (
        data.encode("utf-8", "replace")
        if "xml" in content_type and isinstance(data, str)
        else msgspec.json.encode(data)
    )


def _refuse_unnamed_xml(data: bytes, source: Source) -> None:
    """Which XML it is, nothing tells; the JSON adapter that stands in would call it malformed."""
    if "data_format" not in source.options and data.lstrip()[:1] == b"<":
        raise PoisonMessageError(
            Reason.UNSUPPORTED, "data is XML: name its adapter in the source's option data_format", field="data"
        )


def _from_base64(text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except (binascii.Error, ValueError) as error:
        raise PoisonMessageError(
            Reason.BAD_ENCODING, f"data_base64 is not base64: {error}", field="data_base64"
        ) from error


def _xml_events(raw: bytes) -> list[dict[str, Any]]:
    root = xml_document(raw)
    if root.tag == f"{_NAMESPACE}batch":
        check_items(len(root))
        return [_xml_event(child) for child in root]
    if root.tag != f"{_NAMESPACE}event":
        raise PoisonMessageError(Reason.BAD_SHAPE, f"root element {local(root.tag)[:40]!r} is no CloudEvent in XML")
    return [_xml_event(root)]


def _xml_event(root: Element) -> dict[str, Any]:
    event: dict[str, Any] = {
        local(child.tag): (child.text or "").strip() for child in root if local(child.tag) != "data"
    }
    if "specversion" in root.attrib:
        event["specversion"] = root.attrib["specversion"]
    data = next((child for child in root if local(child.tag) == "data"), None)
    if data is not None:
        event["data_base64"] = _xml_data(data)
    return event


def _xml_data(data: Element) -> str:
    kind = next((value for name, value in data.attrib.items() if local(name) == "type"), "xs:string")
    if kind.endswith("base64Binary"):
        return "".join((data.text or "").split())
    child = next(iter(data), None)
    content = (data.text or "").encode() if child is None else tostring(child)
    return base64.b64encode(content).decode()
