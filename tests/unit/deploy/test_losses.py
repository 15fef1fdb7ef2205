from __future__ import annotations

import copy
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.reference.bus import asyncapi
from deploy.reference.losses import api_losses, bus_losses
from deploy.reference.pages import openapi

ROOT = Path(__file__).parents[3]
THING = "#/components/schemas/Thing"
ERROR = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}}
THINGS = {"content": {"application/json": {"schema": {"type": "array", "items": {"$ref": THING}}}}}
PARAMETERS: list[dict[str, Any]] = [{"in": "query", "name": "near"}, {"in": "query", "name": "kind", "required": True}]
API: dict[str, Any] = {
    "paths": {
        "/things": {
            "get": {
                "parameters": PARAMETERS,
                "responses": {"200": THINGS, "404": ERROR},
            }
        }
    },
    "components": {
        "schemas": {
            "Thing": {"required": ["id", "parts"], "properties": {"id": {}, "parts": {"items": {"$ref": THING}}}},
            "Error": {"required": ["title"], "properties": {"title": {}}},
        }
    },
}
BUS: dict[str, Any] = {
    "channels": {"t": {"messages": {"a": {}, "b": {}}, "bindings": {"kafka": {"partitions": 4, "x-key": "device"}}}}
}


def changed(document: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """Give the document with one part set, or taken away (value ...); `path` is joined by dots."""
    made = copy.deepcopy(document)
    *way, last = path.split(".")
    node = made
    for name in way:
        node = node[name]
    if value is ...:
        del node[last]
    else:
        node[last] = value
    return made


def committed(name: str) -> str:
    """Give a document as the last commit has it, or as it lies there where there is no git."""
    asked = subprocess.run(["git", "show", f"HEAD:{name}"], cwd=ROOT, capture_output=True, check=False)
    return asked.stdout.decode() if asked.returncode == 0 else (ROOT / name).read_text("utf-8")


def test_the_api_takes_nothing_from_its_callers() -> None:
    """What the committed description promised is still there; a break needs a new path."""
    old = json.loads(committed("docs/reference/openapi.json"))
    assert old["paths"]
    assert api_losses(old, json.loads(openapi())) == []


def test_the_bus_takes_nothing_from_its_readers() -> None:
    """Topics, messages, keys and partitions are those of the committed description; a break needs a new topic."""
    old = yaml.safe_load(committed("docs/reference/asyncapi.yaml"))
    assert old["channels"]
    assert bus_losses(old, yaml.safe_load(asyncapi())) == []


@pytest.mark.parametrize(
    ("path", "value", "lost"),
    [
        ("paths./things", ..., ["GET /things: gone"]),
        ("paths./things.get.parameters", PARAMETERS[1:], [
            "GET /things: parameter near gone"]),
        ("paths./things.get.parameters", [each | {"required": True} for each in PARAMETERS], [
            "GET /things: parameter near now required"]),
        ("paths./things.get.responses.404", ..., [
            "GET /things: 404 gone", "GET /things: 404 application/json .title gone"]),
        ("components.schemas.Thing.required", ["id"], ["GET /things: 200 application/json [].parts gone"]),
        ("components.schemas.Thing.required", ["id", "parts", "more"], []),
        ("paths./others", {"get": {"responses": {}}}, []),
        ("paths./things.post", {"parameters": [], "responses": {}}, []),
    ],
)  # fmt: skip
def test_what_callers_lose_is_told(path: str, value: object, lost: list[str]) -> None:
    """A path, a parameter, a status or a field that answers always had; what is new is no loss."""
    assert api_losses(API, changed(API, path, value)) == lost


@pytest.mark.parametrize(
    ("path", "value", "lost"),
    [
        ("channels.t", ..., ["t: gone"]),
        ("channels.t.messages.a", ..., ["t: message a gone"]),
        ("channels.t.bindings.kafka.partitions", 8, ["t: partitions was 4, is 8"]),
        ("channels.t.bindings.kafka.x-key", "zone", ["t: x-key was device, is zone"]),
        ("channels.t.messages.c", {}, []),
        ("channels.u", {}, []),
    ],
)
def test_what_readers_of_a_topic_lose_is_told(path: str, value: object, lost: list[str]) -> None:
    """A topic or message that goes; a key or a number of partitions that changes, as it breaks the order."""
    assert bus_losses(BUS, changed(BUS, path, value)) == lost
