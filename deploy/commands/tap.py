"""`canh tap`: watches a topic live, as a person debugs a source."""

from __future__ import annotations

import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from deploy.bootstrap import kafka_of
from deploy.commands.terminal import results, settings_here
from deploy.topics import consumer
from schemas.codec import ARROW, encode
from schemas.errors import PoisonMessageError, UsageError
from schemas.events import ObservationBatch
from schemas.topics import SOURCE_HEADER, TOPICS


def tap(
    topic: str, /, *, source: str | None = None, limit: int = 0, beginning: bool = False, json: bool = False
) -> None:
    """Print the records of a topic as they come; joins no group, so it disturbs nobody.

    Parameters
    ----------
    topic
        Name of the topic, with or without `canh.`.
    source
        Only records of this source.
    limit
        Stop after so many; 0 goes on until Ctrl-C.
    beginning
        Start with the oldest record that the broker still has.
    json
        One JSON object a line.
    """
    name = _topic(topic)
    shown = 0
    start = "earliest" if beginning else "latest"
    with consumer(kafka_of(settings_here()), name, auto_offset_reset=start) as records:
        for record in records:
            if source is None or _source(record) == source:
                _print(record, as_json=json)
                shown += 1
            if limit and shown >= limit:
                return


def _topic(name: str) -> str:
    known = [topic.name for topic in TOPICS]
    for candidate in (name, f"canh.{name}"):
        if candidate in known:
            return candidate
    raise UsageError(f"There is no topic {name!r}: choose among {', '.join(known)}.")


def _source(record: Any) -> str:
    headers = dict(record.headers)
    return bytes(headers.get(SOURCE_HEADER) or headers.get("ce_source") or b"").decode("utf-8", "replace")


def _text(record: Any) -> str:
    """Give the value as text; a batch of observations as one JSON object a row."""
    raw: bytes = record.value or b""
    if dict(record.headers).get("content-type") == ARROW.encode():
        with suppress(PoisonMessageError):
            return "\n".join(encode(row).decode() for row in ObservationBatch.from_bytes(raw).rows())
    return raw.decode("utf-8", "backslashreplace")


def _print(record: Any, *, as_json: bool) -> None:
    at = datetime.fromtimestamp(record.timestamp / 1000, UTC)
    value = _text(record)
    if as_json:
        import json  # noqa: PLC0415 -- the parameter `json` of the verb would hide it

        line = {"partition": record.partition, "offset": record.offset, "at": at.isoformat(), "source": _source(record)}
        sys.stdout.write(json.dumps(line | {"value": value}, ensure_ascii=False) + "\n")
        sys.stdout.flush()
    else:
        results.print(f"[dim]{at:%H:%M:%S.%f} {record.partition}/{record.offset}[/dim] [cyan]{_source(record)}[/cyan]")
        results.print(value[:4000], markup=False)
