"""Says what a new description of the HTTP API or of the bus takes away from those who rely on the old one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Node = Mapping[str, Any]


def api_losses(old: Node, new: Node) -> list[str]:
    """Give what callers of an OpenAPI document lose: operations, parameters, fields that answers always had.

    A parameter that becomes required is a loss too. New operations, parameters and fields are none.
    """
    found = []
    after = dict(_operations(new))
    for name, operation in _operations(old):
        if name not in after:
            found.append(f"{name}: gone")
            continue
        found += [f"{name}: {why}" for why in _parameters(operation, after[name])]
        kept = set(_promised(new, after[name]))
        found += [f"{name}: {field} gone" for field in sorted(set(_promised(old, operation)) - kept)]
    return found


def bus_losses(old: Node, new: Node) -> list[str]:
    """Give what readers of an AsyncAPI document lose: topics, their messages, and the order that a key gives them."""
    found = []
    for name, before in old["channels"].items():
        after = new["channels"].get(name)
        if after is None:
            found.append(f"{name}: gone")
            continue
        found += [f"{name}: message {each} gone" for each in before["messages"] if each not in after["messages"]]
        found += [
            f"{name}: {what} was {_kafka(before)[what]}, is {_kafka(after).get(what)}"
            for what in ("x-key", "partitions")
            if what in _kafka(before) and _kafka(before)[what] != _kafka(after).get(what)
        ]
    return found


def _kafka(channel: Node) -> Node:
    found: Node = channel["bindings"]["kafka"]
    return found


def _operations(document: Node) -> Iterator[tuple[str, Node]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def _parameters(old: Node, new: Node) -> Iterator[str]:
    before, after = ({(p["in"], p["name"]): p for p in each.get("parameters", ())} for each in (old, new))
    for place, name in before:
        if (place, name) not in after:
            yield f"parameter {name} gone"
    for key, parameter in after.items():
        if parameter.get("required") and not before.get(key, {}).get("required"):
            yield f"parameter {key[1]} now required"


def _promised(document: Node, operation: Node) -> Iterator[str]:
    """Give each field that the answers of an operation always have, with its way from the top; and each status."""
    for status, response in operation["responses"].items():
        yield status
        for kind, content in response.get("content", {}).items():
            yield from _required(document, content.get("schema", {}), f"{status} {kind} ", frozenset())


def _required(document: Node, schema: Node, where: str, seen: frozenset[str]) -> Iterator[str]:
    reference = schema.get("$ref")
    if reference is not None:
        if reference not in seen:
            target = document["components"]["schemas"][reference.rpartition("/")[2]]
            yield from _required(document, target, where, seen | {reference})
        return
    for name in schema.get("required", ()):
        yield f"{where}.{name}"
        yield from _required(document, schema.get("properties", {}).get(name, {}), f"{where}.{name}", seen)
    items = schema.get("items")
    if isinstance(items, Mapping):  # `false` ends a list of fixed length
        yield from _required(document, items, f"{where}[]", seen)
