"""Reads the records of schemas/events, gives a self-contained JSON Schema for each."""

from __future__ import annotations

import inspect
import json
import re
from datetime import date, datetime
from typing import Any, get_args, get_type_hints

import msgspec

from schemas import events
from schemas.events import Event, Record, Written

_FORMATS = {datetime: "date-time", date: "date"}


def records() -> dict[str, type[Record]]:
    """Give every record by its name: the tag where it has one (`detection.v1`), else its class in snake case."""
    found = [each for each in vars(events).values() if isinstance(each, type) and issubclass(each, Record)]
    return {name_of(each): each for each in sorted(found, key=name_of) if each not in {Record, Event, Written}}


def name_of(record: type[Record]) -> str:
    """Give the name that a record has in file names and in AsyncAPI."""
    tag = record.__struct_config__.tag
    return str(tag) if tag else re.sub(r"(?<=[a-z])(?=[A-Z])", "_", record.__name__).lower()


def schemas() -> dict[str, str]:
    """Give the JSON Schema of each record, as text that ends with a newline."""
    return {name: json.dumps(_schema(name, each), indent=2, ensure_ascii=False) + "\n"
            for name, each in records().items()}  # fmt: skip


def _schema(name: str, record: type[Record]) -> dict[str, Any]:
    (top,), parts = msgspec.json.schema_components((record,), ref_template="#/$defs/{name}")
    known = {each.__name__: each for each in records().values()}
    for title, part in parts.items():
        if "description" in part:
            part["description"] = inspect.cleandoc(part["description"])
        if title in known:
            _add_formats(known[title], part)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"urn:canh:{name}"}
    return {**head, **top, "$defs": dict(sorted(parts.items()))}


def _add_formats(record: type[Record], part: dict[str, Any]) -> None:
    """Say which texts are times: msgspec leaves that out for times that it does not force to be aware."""
    hints = get_type_hints(record)
    for field in msgspec.structs.fields(record):
        for kind, name in _FORMATS.items():
            if kind in _leaves(hints[field.name]):
                _mark(part["properties"][field.encode_name], name)


def _leaves(hint: Any) -> set[Any]:  # a type hint of any form
    parts = get_args(hint)
    return {leaf for each in parts for leaf in _leaves(each)} if parts else {hint}


def _mark(schema: dict[str, Any], name: str) -> None:
    if schema.get("type") == "string":
        schema["format"] = name
    for each in (*schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else ())):
        _mark(each, name)
