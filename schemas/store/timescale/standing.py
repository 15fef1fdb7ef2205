"""Reads what correlation must know of the incidents in reach of some signals: few questions, sent at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from schemas.events import Incident
from schemas.standing import Episode, Reach, Standing
from schemas.store.timescale.statements import Connection, run, run_together
from schemas.store.timescale.work import columns

_incident = msgspec.json.Decoder(Incident)
_SIDES = ("west", "south", "east", "north")
_REACH = ("kind", "commune", "since", "until", *_SIDES)


async def standing(connection: Connection, reaches: Sequence[Reach]) -> Standing:
    """Give how things stand for the signals of these reaches."""
    episodes = sorted({reach.episode for reach in reaches})
    linked, homes, bodies = await run_together(
        connection,
        ("linked", {"signals": [reach.signal for reach in reaches]}),
        ("incident_of_episode", {"episodes": episodes}),
        ("incidents_in_reach", {"episodes": episodes, **columns([_row(reach) for reach in reaches], _REACH)}),
    )
    incidents = tuple(_incident.decode(body) for (body,) in bodies)
    return Standing(
        linked=frozenset(signal for (signal,) in linked),
        homes=dict(homes),
        incidents=incidents,
        episodes=await _episodes(connection, [incident.id for incident in incidents]),
    )


async def _episodes(connection: Connection, incidents: list[str]) -> dict[str, dict[str, Episode]]:
    found: dict[str, dict[str, Episode]] = {incident: {} for incident in incidents}
    rows = await run(connection, "episodes_of", {"incidents": incidents}) if incidents else []
    for incident, episode, key, cleared_at in rows:
        found[incident][episode] = Episode(key, cleared_at)
    return found


def _row(reach: Reach) -> dict[str, Any]:
    sides = dict(zip(_SIDES, reach.box or (None,) * len(_SIDES), strict=True))
    return {"kind": reach.kind, "commune": reach.commune, "since": reach.since, "until": reach.until, **sides}
