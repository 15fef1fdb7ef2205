"""Holds what is known while one commit is written, and how records become parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from schemas.events import DeadLetter
from schemas.store.abstract import Commit
from schemas.store.content import storable
from schemas.store.feed import Outgoing
from schemas.store.newest import Newest
from schemas.store.timescale.statements import Connection


@dataclass(slots=True)
class Work:
    """One commit under way: counts, what was newest, and refusals found inside."""

    connection: Connection
    commit: Commit
    newest: Newest = field(default_factory=Newest)
    clashes: list[DeadLetter] = field(default_factory=list)
    inserted: int = 0
    duplicates: int = 0

    @property
    def writer(self) -> str:
        """Name who writes, so that counters of different partitions are different rows."""
        offset = self.commit.offset
        return f"{offset.hop}:{offset.topic}/{offset.partition}" if offset else ""


def columns(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> dict[str, list[Any]]:
    """Turn rows into the arrays that `unnest` takes."""
    return {name: [row[name] for row in rows] for name in names}


def fields(record: object, names: Sequence[str]) -> dict[str, Any]:
    """Give some fields of a record as parameters."""
    return {name: getattr(record, name) for name in names}


def askable(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Give questions that the server takes: what it could never have stored is found nowhere."""
    return {name: _askable_value(value) for name, value in parameters.items()}


def _askable_value(value: Any) -> Any:
    if isinstance(value, list):
        return [_askable_value(item) for item in value]
    return storable(value) if isinstance(value, str) else value


def json_text(value: object) -> str:
    """Give JSON for a parameter that is cast to jsonb."""
    return msgspec.json.encode(value).decode()


def outbox_columns(outgoing: Sequence[Outgoing]) -> dict[str, list[Any]]:
    """Give records for the bus as parameters."""
    return {
        "topic": [item.topic for item in outgoing],
        "key": [item.key for item in outgoing],
        "headers": [json_text([(name, value.decode()) for name, value in item.headers]) for item in outgoing],
        "value": [item.value for item in outgoing],
    }
