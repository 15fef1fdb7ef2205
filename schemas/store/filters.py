"""Says which incidents a query and a reader's scope let through; the same in memory, in SQL and on the live feed."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime

from schemas.errors import UsageError
from schemas.events import Incident
from schemas.store.abstract import IncidentQuery, Scope
from schemas.text import fold


def visible(scope: Scope, incident: Incident) -> bool:
    """Tell whether a reader may see an incident: each set that is given must hold it (G8)."""
    if scope.agencies is not None and incident.agency not in scope.agencies:
        return False
    return scope.communes is None or incident.commune in scope.communes


def matches(query: IncidentQuery, incident: Incident, folded: str) -> bool:
    """Tell whether an incident passes all filters; `folded` is its `search_text`."""
    wanted = (
        (query.communes, incident.commune),
        (query.kinds, incident.kind),
        (query.statuses, incident.status),
        (query.agencies, incident.agency),
    )
    return (
        visible(query.scope, incident)
        and all(not allowed or value in allowed for allowed, value in wanted)
        and incident.severity >= query.severity_min
        and (query.since is None or incident.updated_at >= query.since)
        and (query.until is None or incident.opened_at < query.until)
        and (query.bbox is None or _inside(query.bbox, incident))
        and all(word in folded for word in fold(query.text).split())
    )


def search_text(incident: Incident, names: Mapping[str, str]) -> str:
    """Give the folded text of an incident; `names` gives the names of zones by id, its commune's among them."""
    zones = (f"commune:{incident.commune}", incident.zone or "")
    words = [incident.title.vi, incident.title.en, incident.kind, incident.agency, incident.assignee, incident.commune]
    return fold(" ".join(word for word in [*words, *(names.get(zone) for zone in zones)] if word))


def zone_ids(incidents: list[Incident]) -> list[str]:
    """Give the zones whose names belong to the search text of these incidents."""
    found = {f"commune:{i.commune}" for i in incidents if i.commune} | {i.zone for i in incidents if i.zone}
    return sorted(found)


def write_cursor(incident: Incident) -> str:
    """Give the opaque mark of a place in the list: after this incident."""
    text = f"{incident.updated_at.isoformat()} {incident.id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> tuple[datetime, str]:
    """Give update time and id back; raises UsageError for anything that `write_cursor` did not give."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        time, _, incident_id = raw.partition(" ")
        at = datetime.fromisoformat(time)
    except (ValueError, binascii.Error) as error:
        raise UsageError("cursor: not one of ours; leave it out to begin with the newest incident") from error
    if at.tzinfo is None or not incident_id or "\x00" in incident_id:
        raise UsageError("cursor: not one of ours; leave it out to begin with the newest incident")
    return at, incident_id


def _inside(bbox: tuple[float, float, float, float], incident: Incident) -> bool:
    west, south, east, north = bbox
    if incident.lon is None or incident.lat is None:
        return False
    return west <= incident.lon <= east and south <= incident.lat <= north
