"""Describes the bus as AsyncAPI 3: reads schemas/topics.py and the pipeline table, gives YAML."""

from __future__ import annotations

from typing import Any

import yaml

from deploy.reference.records import name_of
from schemas.codec import ARROW, TYPE_PREFIX
from schemas.events import (
    Alert,
    Case,
    DeadLetter,
    Detection,
    FeedEntry,
    ObservationBatch,
    Position,
    Record,
    Report,
    Signal,
)
from schemas.topics import (
    DEAD_LETTERS,
    EVENTS,
    INCIDENTS,
    OBSERVATIONS,
    RAW_BULK,
    RAW_PRIORITY,
    SIGNALS,
    SOURCE_HEADER,
    TOPICS,
    Topic,
)
from streams.pipeline import PIPELINE, RELAY

Node = dict[str, Any]

_EVENTS = (Detection, Report, Alert, Position, Case)
#: Records that travel on each topic as JSON; a raw topic carries what its sources send.
MESSAGES: dict[Topic, tuple[type[Record], ...]] = {
    OBSERVATIONS: _EVENTS,
    EVENTS: _EVENTS,
    SIGNALS: (Signal,),
    INCIDENTS: (FeedEntry,),
    DEAD_LETTERS: (DeadLetter,),
}
#: Topics that carry batches of observations too.
BATCHES = frozenset({OBSERVATIONS, EVENTS})
_RAW = "raw"


def asyncapi() -> str:
    """Give the whole document as YAML text."""
    document = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Canh",
            "version": "1.0",
            "description": "Every topic of the bus. Records are CloudEvents 1.0 in binary mode (headers).",
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "operations": _operations(),
        "components": {
            "messages": {
                _RAW: _raw(),
                ObservationBatch.KIND: _batch(),
                **{name_of(each): _message(each) for each in _travelling()},
            },
            "messageTraits": {"cloudEvent": {"headers": _headers()}},
        },
    }
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)


def _travelling() -> list[type[Record]]:
    return list(dict.fromkeys(each for found in MESSAGES.values() for each in found))


def _channel(topic: Topic) -> Node:
    names = [_RAW] if topic in {RAW_BULK, RAW_PRIORITY} else [name_of(each) for each in MESSAGES[topic]]
    if topic in BATCHES:
        names.insert(0, ObservationBatch.KIND)
    return {
        "address": topic.name,
        "description": f"{topic.meaning}. Key: {topic.key}.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {
            "kafka": {
                "partitions": topic.partitions,
                "x-key": topic.key,
                "topicConfiguration": {"cleanup.policy": ["delete"], "retention.ms": topic.retention_ms},
                "bindingVersion": "0.5.0",
            }
        },
    }


def _operations() -> Node:
    found: Node = {}
    for step in PIPELINE:
        found[f"{step.lane}-{step.hop}"] = _operation("receive", step.reads, f"The hop writes {step.writes}.")
        if step.sends is not None:
            found[f"{step.lane}-{step.hop}-sends"] = _operation("send", step.sends, "What it could read.")
    found["normalize-refuses"] = _operation("send", DEAD_LETTERS, "A copy of each refusal; the table is the record.")
    for topic in (SIGNALS, INCIDENTS):
        words = f"From the outbox, at least once: {topic.meaning}."
        found[f"{RELAY}-{topic.name.removeprefix('canh.')}"] = _operation("send", topic, words)
    return found


def _operation(action: str, topic: Topic, words: str) -> Node:
    return {"action": action, "channel": {"$ref": f"#/channels/{topic.name}"}, "summary": words}


def _message(record: type[Record]) -> Node:
    name = name_of(record)
    return {
        "name": TYPE_PREFIX + name,
        "summary": (record.__doc__ or "").splitlines()[0],
        "traits": [{"$ref": "#/components/messageTraits/cloudEvent"}],
        "payload": {"$ref": f"./schema/{name}.json"},
    }


def _batch() -> Node:
    columns = {name: {"description": str(kind)} for name, kind in ObservationBatch.SCHEMA.items()}
    return {
        "name": TYPE_PREFIX + ObservationBatch.KIND,
        "summary": "Many observations as columns: one Arrow IPC stream.",
        "contentType": ARROW,
        "traits": [{"$ref": "#/components/messageTraits/cloudEvent"}],
        "payload": {
            "description": "Columns in this order, with their Arrow types as Polars names them.",
            "properties": columns,
            "required": [name for name in columns if name not in ObservationBatch.OPTIONAL],
        },
    }


def _raw() -> Node:
    else_ = "`ce_source`, or the `source` of a CloudEvent in structured mode"
    header = {"type": "string", "description": f"Id of the registered source; else {else_}."}
    return {
        "name": _RAW,
        "summary": "One record as its source sent it; the source's format says how it is read (`canh source formats`).",
        "headers": {"type": "object", "properties": {SOURCE_HEADER: header}},
        "payload": {"description": "Any bytes of a known format, within the limits of schemas/limits.py."},
    }


def _headers() -> Node:
    text = {"type": "string"}
    names = ("ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "content-type")
    return {"type": "object", "required": list(names), "properties": {name: dict(text) for name in names}}
