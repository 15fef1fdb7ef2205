"""Writes observations, events and refusals of one commit; tells repeats from id conflicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from schemas.codec import encode, record_kind
from schemas.events import DeadLetter, Detection, ObservationBatch, PriorityEvent
from schemas.store.content import (
    IDENTITY,
    clashing_rows,
    event_clash,
    event_content,
    has_twins,
    observation_clash,
    sort_observations,
    storable_letter,
)
from schemas.store.timescale.bulk import Optimism, copy_all, write_new
from schemas.store.timescale.statements import Connection, run
from schemas.store.timescale.work import Work, columns, fields, json_text

_EVENT = ("id", "observed_at", "source", "received_at", "lon", "lat", "commune")
_LETTER = (
    "id", "source", "reason", "field", "message", "topic", "partition", "offset", "received_at", "raw", "item",
    "attempts", "resolved_at",
)  # fmt: skip


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
    for source, count in Counter(frame.get_column("source").to_list()).items():
        work.newest.source(source).accepted += count


async def _compare(work: Work, batch: ObservationBatch) -> None:
    """Write what is new of a batch in which some rows are known, or twins."""
    order = sort_observations(batch)
    accepted, stored = await write_new(work.connection, batch.frame[list(order.rows.values())])
    refused = clashing_rows(batch, order, stored)
    work.clashes += [observation_clash(batch, i, work.commit.offset) for i in refused]
    work.inserted += accepted.total()
    work.duplicates += len(batch) - accepted.total() - len(refused)
    work.newest.add_observations(batch.frame[[i for key, i in order.rows.items() if key not in stored]])
    for source, count in accepted.items():
        work.newest.source(source).accepted += count


async def store_events(work: Work, events: Sequence[PriorityEvent]) -> None:
    """Write events; those whose id is there with other content become refusals."""
    given = [(event, event_content(event)) for event in events]
    stored = await _stored(work.connection, events)
    fresh: dict[str, tuple[PriorityEvent, bytes]] = {}
    for event, content in given:
        if event.id not in stored:
            fresh.setdefault(event.id, (event, content))
    inserted = await _insert(work.connection, [fresh[id_] for id_ in sorted(fresh)])
    if len(inserted) < len(fresh):  # another writer was faster
        stored |= await _stored(work.connection, events)
    standing = {id_: content for id_, (_, content) in fresh.items()} | stored
    good = [event for event, content in given if standing[event.id] == content]
    work.clashes += [
        event_clash(event, work.commit.offset) for event, content in given if standing[event.id] != content
    ]
    work.inserted += len(inserted)
    work.duplicates += len(good) - len(inserted)
    work.newest.add_events(good)
    for id_ in inserted:
        work.newest.source(fresh[id_][0].source).accepted += 1


async def store_letters(work: Work, letters: Sequence[DeadLetter]) -> None:
    """Write refusals; a known one that was received again later is open again."""
    if not letters:
        return
    unique = {letter.id: storable_letter(letter) for letter in reversed(letters)}
    rows = [
        {**fields(letter, _LETTER), "headers": json_text(letter.headers)}
        for letter in sorted(unique.values(), key=lambda letter: letter.id)
    ]
    found = await run(work.connection, "insert_dead_letters", columns(rows, (*_LETTER, "headers")))
    work.newest.add_refusals(unique[id_] for id_, is_new in found if is_new)


async def _stored(connection: Connection, events: Sequence[PriorityEvent]) -> dict[str, bytes]:
    times = [event.observed_at for event in events]
    asked = {"ids": [event.id for event in events], "first": min(times), "last": max(times)}
    return dict(await run(connection, "known_events", asked))


async def _insert(connection: Connection, fresh: list[tuple[PriorityEvent, bytes]]) -> set[str]:
    if not fresh:
        return set()
    rows = [
        {
            **fields(event, _EVENT),
            "type": record_kind(event),
            "device": event.device if isinstance(event, Detection) else None,
            "content": content,
            "body": encode(event).decode(),
        }
        for event, content in fresh
    ]
    return {id_ for (id_,) in await run(connection, "insert_events", columns(rows, tuple(rows[0])))}
