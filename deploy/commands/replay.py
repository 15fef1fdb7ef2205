"""`canh replay`: sends recorded events again, or makes a hop read a topic again from its beginning."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec
from cyclopts import App
from rich.progress import Progress

from deploy.bootstrap import hops_named, kafka_of, make_publisher
from deploy.commands.terminal import remarks, results, settings_here, with_store
from deploy.local.home import Home
from deploy.noted import noted
from deploy.settings import Settings
from deploy.stack import WORKERS, answers_ready
from schemas.bus.abstract import Message
from schemas.errors import UsageError
from schemas.events import Source
from schemas.store.abstract import Offset, Store
from schemas.topics import RAW_OF_LANE, SOURCE_HEADER
from streams.pipeline import steps

app = App(name="replay", help="Send recorded events again; every step is idempotent, so nothing is doubled.")

#: Records sent before waiting for the broker.
BATCH = 500


@app.command(name="file")
def replay_file(file: Path, /, *, source: str) -> None:
    """Send a recorded file to a source's raw topic, one record a line.

    Parameters
    ----------
    file
        NDJSON: one record a line, or what `canh tap --json` printed of a raw topic.
    source
        The registered source that it came from.
    """
    settings = settings_here()
    registered = {each.id: each for each in with_store(lambda store: store.sources(), settings)}
    if source not in registered:
        raise UsageError(f"There is no source {source!r}; see `canh source list`.")
    try:
        lines = [record_of(line) for line in file.read_bytes().splitlines() if line.strip()]
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from None
    asyncio.run(_send(settings, registered[source], lines))
    with_store(lambda store: store.audit(noted("replay.file", source, file=file.name, count=str(len(lines)))), settings)
    results.print(f"{len(lines)} records sent to {RAW_OF_LANE[registered[source].lane].name}")


@app.command(name="topic")
def replay_topic(*, hop: str) -> None:
    """Make a hop read all its topics again from the beginning, while no worker runs.

    Parameters
    ----------
    hop
        normalize, store, evaluate or correlate.
    """
    hops_named([hop])
    settings = settings_here()
    running = [url for name, url in Home(settings.home).addresses().items() if name in WORKERS]
    if any(answers_ready(f"{url}/health/live") for url in running):
        raise UsageError("A worker runs here and would overwrite this: stop it first (Ctrl-C in `canh up`).")

    async def go(store: Store) -> int:
        stored = [o for step in steps(frozenset({hop})) for o in await store.offsets(hop, step.reads.name)]
        for offset in stored:
            await store.reset_offset(Offset(hop, offset.topic, offset.partition, 0))
        await store.audit(noted("replay.topic", hop, partitions=str(len(stored))))
        return len(stored)

    count = with_store(go, settings)
    results.print(f"{count} partitions of {hop} will be read again from their beginning.")


class Tapped(msgspec.Struct, forbid_unknown_fields=True):
    """A line of `canh tap --json`; nothing else has just these fields."""

    partition: int
    offset: int
    at: datetime
    source: str
    value: str


def record_of(line: bytes) -> bytes:
    """Give the record of a line: its value, where the line tells of a record."""
    try:
        return msgspec.json.decode(line, type=Tapped).value.encode()
    except msgspec.MsgspecError:
        return line


async def _send(settings: Settings, source: Source, lines: list[bytes]) -> None:
    kafka_of(settings)
    publisher = make_publisher(settings)
    await publisher.start()
    try:
        with Progress(console=remarks, disable=not remarks.is_terminal) as progress:
            task = progress.add_task("sending", total=len(lines))
            for batch in _batches(source, lines):
                await publisher.send(batch)
                progress.advance(task, len(batch))
    finally:
        await publisher.stop()


def _batches(source: Source, lines: list[bytes]) -> Iterator[list[Message]]:
    topic = RAW_OF_LANE[source.lane].name
    headers = [(SOURCE_HEADER, source.id.encode()), ("content-type", b"application/json")]
    for start in range(0, len(lines), BATCH):
        part = lines[start : start + BATCH]
        yield [Message(topic, line, key=source.id.encode(), headers=headers) for line in part]
