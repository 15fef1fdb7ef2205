"""Writes observations and events of one commit; tells repeats from id conflicts."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.codec import encode, record_kind
from schemas.events import Detection, ObservationBatch, PriorityEvent
from schemas.store.content import (
    IDENTITY,
    clashing_rows,
    event_clashes,
    event_content,
    has_twins,
    observation_clashes,
    sort_observations,
)
from schemas.store.timescale.bulk import Optimism, copy_all, write_new
from schemas.store.timescale.statements import Connection, run
from schemas.store.timescale.work import Work, columns, fields

_CLAIM = ("id", "observed_at", "received_at")
_EVENT = ("id", "observed_at", "source", "received_at", "lon", "lat", "commune")


async def store_observations(work: Work, batch: ObservationBatch, optimism: Optimism) -> None:
    """Write a batch; rows whose key is there with other content become refusals."""
    frame = batch.frame.sort(IDENTITY)  # one order for all writers: no deadlocks
    if has_twins(frame) or not optimism.hopeful():
        await _compare(work, batch)
        return
    worked = await copy_all(work.connection, frame)
    optimism.learn(worked=worked)
    if not worked:
        await _compare(work, batch)
        return
    work.inserted += frame.height
    work.newest.add_observations(frame)
    for source, count in frame.get_column("source").value_counts().iter_rows():
        work.newest.source(source).accepted += count


async def _compare(work: Work, batch: ObservationBatch) -> None:
    """Write what is new of a batch in which some rows are known, or twins."""
    order = sort_observations(batch)
    accepted, stored = await write_new(work.connection, batch.frame[list(order.rows.values())])
    refused = clashing_rows(batch, order, stored)
    clashes = observation_clashes(batch, refused, work.commit.offset)
    work.clashes += clashes
    work.inserted += accepted.total()
    work.duplicates += len(batch) - accepted.total() - len(clashes)
    work.newest.add_observations(batch.frame[[i for key, i in order.rows.items() if key not in stored]])
    for source, count in accepted.items():
        work.newest.source(source).accepted += count


async def store_events(work: Work, events: Sequence[PriorityEvent]) -> None:
    """Write events; those whose id is there with other content become refusals."""
    first: dict[str, PriorityEvent] = {}
    for event in events:
        first.setdefault(event.id, event)
    mine, standing = await _claim(work.connection, [first[id_] for id_ in sorted(first)])
    await _insert(work.connection, [first[id_] for id_ in sorted(mine)])
    good: list[PriorityEvent] = []
    refused: list[PriorityEvent] = []
    for event in events:
        (good if standing[event.id] == event_content(event) else refused).append(event)
    clashes = event_clashes(refused, work.commit.offset)
    work.clashes += clashes
    work.inserted += len(mine)
    work.duplicates += len(events) - len(mine) - len(clashes)
    work.newest.add_events(good)
    for id_ in mine:
        work.newest.source(first[id_].source).accepted += 1


async def _claim(connection: Connection, events: Sequence[PriorityEvent]) -> tuple[set[str], dict[str, bytes]]:
    """Take the ids that nobody has; give these, and the content that stands for every id.

    Who claims an id that another writer has just taken waits for that one's commit: an id is one row, whenever its
    event happened.
    """
    rows = [{**fields(event, _CLAIM), "content": event_content(event)} for event in events]
    mine = {id_ for (id_,) in await run(connection, "claim_events", columns(rows, tuple(rows[0])))}
    standing = {event.id: row["content"] for event, row in zip(events, rows, strict=True)}
    others = [event.id for event in events if event.id not in mine]
    return mine, standing | (dict(await run(connection, "known_events", {"ids": others})) if others else {})


async def _insert(connection: Connection, events: Sequence[PriorityEvent]) -> None:
    if not events:
        return
    rows = [
        {
            **fields(event, _EVENT),
            "type": record_kind(event),
            "device": event.device if isinstance(event, Detection) else None,
            "body": encode(event).decode(),
        }
        for event in events
    ]
    await run(connection, "insert_events", columns(rows, tuple(rows[0])))
