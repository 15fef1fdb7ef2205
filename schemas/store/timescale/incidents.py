"""Writes incidents with their changes, links and feed ids: versions first, the feed last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from schemas.codec import encode
from schemas.errors import ConflictError
from schemas.events import Incident, IncidentChange, IncidentWrite
from schemas.store.feed import entries, of_entry, repetition
from schemas.store.filters import search_text, zone_ids
from schemas.store.timescale.statements import Connection, run, run_together
from schemas.store.timescale.work import columns, fields, outbox_columns

_change = msgspec.json.Decoder(IncidentChange)
_LINK = (
    "incident", "signal", "episode", "rule", "rule_version", "linked_at", "distance_m", "delay_s", "reason",
)  # fmt: skip
_INCIDENT = (
    "id", "kind", "severity", "status", "opened_at", "updated_at", "last_signal_at", "version", "lon", "lat", "commune",
    "zone", "agency",
)  # fmt: skip
#: What a row of the table is made from.
_COLUMNS = (*_INCIDENT, "folded", "body")


async def write_incidents(
    connection: Connection, writes: Sequence[IncidentWrite]
) -> tuple[list[IncidentWrite], list[int]]:
    """Write the new states; give the writes that were news, and the feed ids of those that were there already.

    Raises ConflictError when an incident is not at the expected version, and the write is no repetition.
    """
    if not writes:
        return [], []
    versions, names = await _locked(connection, [write.incident for write in writes])
    before = set(versions)
    news: list[IncidentWrite] = []
    known: list[int] = []
    for write in writes:
        if versions.get(write.incident.id) == write.expected_version:
            versions[write.incident.id] = write.incident.version
            news.append(write)
        else:
            known += await _repetition(connection, write, versions.get(write.incident.id))
    rows = [_row(incident, names) for _, incident in sorted({w.incident.id: w.incident for w in news}.items())]
    await _put(connection, rows, before, _links(news))
    return news, known


async def write_feed(connection: Connection, writes: list[IncidentWrite]) -> list[int]:
    """Write the changes with their feed ids; from here to the commit nobody else can."""
    count = sum(len(write.changes) for write in writes)
    if not count:
        return []
    ((last_id, recorded_at),) = await run(connection, "take_feed_ids", {"n": count})
    lines = entries(writes, last_id - count + 1, recorded_at)
    parameters = {
        "feed_id": [line.feed_id for line in lines],
        "incident": [line.incident.id for line in lines],
        "version": [line.change.version for line in lines],
        "change": [encode(line.change).decode() for line in lines],
        "body": [encode(line.incident).decode() for line in lines],
    }
    outgoing = outbox_columns([of_entry(line) for line in lines])
    await run(connection, "insert_feed", {**parameters, **outgoing, "recorded_at": recorded_at, "last_id": last_id})
    return [line.feed_id for line in lines]


async def _repetition(connection: Connection, write: IncidentWrite, version: int | None) -> list[int]:
    asked = {"incident": write.incident.id, "version": write.expected_version or 0}
    lines = [(feed_id, _change.decode(text)) for feed_id, text in await run(connection, "changes_of", asked)]
    return repetition(write, version, lines)


async def _locked(connection: Connection, incidents: list[Incident]) -> tuple[dict[str, int], dict[str, str]]:
    """Hold the incidents that are there; give their versions, and the names of the zones they speak of."""
    versions, names = await run_together(
        connection,
        ("lock_incidents", {"ids": sorted({incident.id for incident in incidents})}),
        ("zone_names", {"ids": zone_ids(incidents)}),
    )
    return dict(versions), dict(names)


async def _put(
    connection: Connection, rows: list[dict[str, Any]], before: set[str], links: list[dict[str, Any]]
) -> None:
    new = [row for row in rows if row["id"] not in before]
    old = [row for row in rows if row["id"] in before]
    given = (("insert_incidents", new, _COLUMNS), ("update_incidents", old, _COLUMNS), ("insert_links", links, _LINK))
    asked = {name: columns(some, of) for name, some, of in given if some}
    made = dict(zip(asked, await run_together(connection, *asked.items()), strict=True)).get("insert_incidents", [])
    if len(made) < len(new):
        missing = next(row["id"] for row in new if (row["id"],) not in made)
        raise ConflictError(f"incident {missing} was opened by somebody else at this moment: read it and decide again")


def _row(incident: Incident, names: dict[str, str]) -> dict[str, Any]:
    return {
        **fields(incident, _INCIDENT),
        "folded": search_text(incident, names),
        "body": encode(incident).decode(),
    }


def _links(writes: list[IncidentWrite]) -> list[dict[str, Any]]:
    links = {(link.incident, link.signal): link for write in writes for link in write.links}
    return [fields(links[key], _LINK) for key in sorted(links)]
