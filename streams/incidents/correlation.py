"""Joins signals into incidents: reads new signals and the open incidents, gives orders to the store (G5).

Pure and deterministic: the same signals give the same incidents under the same ids, in any order within the batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from schemas.events import Action, Agency, IncidentWrite, Signal, Status
from schemas.standing import Standing
from streams.incidents.draft import Draft
from streams.incidents.match import Match, match, same_episode
from streams.incidents.near import Near

_RANK = {Action.RAISE: 0, Action.UPDATE: 1, Action.CLEAR: 2}


def correlate(
    signals: Sequence[Signal], standing: Standing, agencies: Sequence[Agency], now: datetime
) -> list[IncidentWrite]:
    """Give what the signals change, one order for each incident.

    `standing` is how things stood for all of these signals: those that are linked already are left out. A signal of a
    closed incident's episode opens a new one when it is graver than the closed one was, else it stays without. `now`
    is when this is decided (for `updated_at` and `linked_at`).
    """
    room = _Room(standing)
    fresh = {signal.id: signal for signal in signals if signal.id not in standing.linked}
    for signal in sorted(fresh.values(), key=lambda one: (one.observed_at, _RANK[one.action], one.id)):
        room.take(signal, agencies, now)
    return room.writes()


class _Room:
    """All incidents that the signals may join, as they stand after each signal."""

    def __init__(self, standing: Standing) -> None:
        self._drafts: dict[str, Draft] = {}
        self._home = dict(standing.homes)
        self._near: dict[str, Near] = {}
        for incident in standing.incidents:
            self._add(Draft(incident, standing.episodes.get(incident.id, {}), incident.version))

    def take(self, signal: Signal, agencies: Sequence[Agency], now: datetime) -> None:
        if signal.episode in self._home:
            self._go_on(signal, agencies, now)
        elif signal.action is not Action.CLEAR:
            self._begin(signal, agencies, now)

    def writes(self) -> list[IncidentWrite]:
        found = (draft.write() for draft in self._drafts.values())
        return [write for write in found if write is not None]

    def _go_on(self, signal: Signal, agencies: Sequence[Agency], now: datetime) -> None:
        home = self._drafts.get(self._home[signal.episode])
        if home is None:
            return
        if home.incident.status is not Status.CLOSED:
            home.take(signal, same_episode(signal, home.incident, active=home.active), now)
        elif signal.action is not Action.CLEAR and signal.severity > home.incident.severity:
            self._open(signal, agencies, now, again=True)

    def _begin(self, signal: Signal, agencies: Sequence[Agency], now: datetime) -> None:
        best = self._best(signal)
        if best is None:
            self._open(signal, agencies, now, again=False)
        else:
            why, draft = best
            draft.take(signal, why, now)
            self._home[signal.episode] = draft.incident.id

    def _best(self, signal: Signal) -> tuple[Match, Draft] | None:
        near = self._near.get(signal.kind)
        fit = [
            (why, draft)
            for draft in (near.around(signal) if near else ())
            if draft.incident.status is not Status.CLOSED
            and (why := match(signal, draft.incident, active=draft.active)) is not None
        ]
        return min(fit, key=lambda one: (one[0].order, one[1].incident.opened_at, one[1].incident.id), default=None)

    def _open(self, signal: Signal, agencies: Sequence[Agency], now: datetime, *, again: bool) -> None:
        draft = Draft.open(signal, agencies, now, again=again)
        self._add(draft)
        self._home[signal.episode] = draft.incident.id

    def _add(self, draft: Draft) -> None:
        self._drafts[draft.incident.id] = draft
        self._near.setdefault(draft.incident.kind, Near()).add(draft)
