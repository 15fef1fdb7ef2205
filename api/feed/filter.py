"""Decides for one client which changes it gets: whole, as `gone`, or not at all."""

from __future__ import annotations

from collections.abc import Mapping

from api.feed.frame import Frame, Packet
from schemas.events import Change, Incident
from schemas.store.abstract import IncidentQuery
from schemas.store.filters import matches, search_text, visible

#: How many `gone` a client's memory holds before it is emptied (an id may then be told gone once more: harmless).
TOLD_MAX = 1024


class Filter:
    """One client's filter and scope, the same as of the incident list; `names` gives zones' names for its text."""

    def __init__(self, query: IncidentQuery, names: Mapping[str, str]) -> None:
        self._query = query
        self._names = names
        self._open = query == IncidentQuery()
        self._told: set[str] = set()

    def packet(self, frame: Frame) -> Packet | None:
        """Give what the client gets of a change.

        Inside scope and filter: all of it. Out of the filter, or moved out of the scope: that it is gone, once.
        Never seen by this reader: nothing. An old change counts as out of the scope when the incident is by now: who
        may no longer open an incident does not get its past from the stream either.
        """
        if self._open:
            return frame.full
        incident, scope = frame.entry.incident, self._query.scope
        seen = visible(scope, incident)
        if not seen or not visible(scope, frame.latest.incident):
            left = seen or (frame.before is not None and visible(scope, frame.before))
            return self._tell(frame) if left else None
        if matches(self._query, incident, self._folded(incident)):
            self._told.discard(incident.id)
            return frame.full
        return None if self._never_listed(frame) else self._tell(frame)

    def _folded(self, incident: Incident) -> str:
        return search_text(incident, self._names) if self._query.text else ""

    def _never_listed(self, frame: Frame) -> bool:
        kinds = self._query.kinds  # an incident's kind never changes
        return frame.entry.change.change is Change.OPENED or bool(kinds and frame.entry.incident.kind not in kinds)

    def _tell(self, frame: Frame) -> Packet | None:
        incident = frame.entry.incident.id
        if incident in self._told:
            return None
        if len(self._told) >= TOLD_MAX:
            self._told.clear()
        self._told.add(incident)
        return frame.gone
