"""An incident while a batch of signals works on it: collects changes and links, then gives one order to the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from schemas.events import (
    Action,
    Agency,
    Change,
    Incident,
    IncidentChange,
    IncidentWrite,
    Signal,
    SignalLink,
    Status,
    derive_id,
)
from schemas.standing import Episode
from streams.incidents import readings
from streams.incidents.match import Match
from streams.incidents.taxonomy import lead_agency


class Draft:
    """`expected_version` None: the incident is new."""

    def __init__(self, incident: Incident, episodes: Mapping[str, Episode], expected_version: int | None) -> None:
        self.incident = incident
        # Kept up to date with each signal, not counted anew: a storm brings thousands of episodes to one incident.
        self._cleared = {id_: one.cleared_at for id_, one in episodes.items() if one.cleared_at is not None}
        self._holding = episodes.keys() - self._cleared.keys()
        self._keys = {one.key for one in episodes.values()}
        self._expected_version = expected_version
        self._changes: list[IncidentChange] = []
        self._links: list[SignalLink] = []

    @classmethod
    def open(cls, signal: Signal, agencies: Sequence[Agency], now: datetime, *, again: bool) -> Draft:
        """Open an incident; its id follows from kind and first episode (and signal, when `again` in one episode)."""
        words = ("incident", signal.kind, signal.episode, *((signal.id,) if again else ()))
        agency = lead_agency(signal.kind, signal.commune, agencies, signal.observed_at.date())
        incident = Incident(
            id=derive_id(*words),
            kind=signal.kind,
            title=signal.title,
            severity=signal.severity,
            status=Status.NEW,
            opened_at=signal.observed_at,
            updated_at=now,
            last_signal_at=signal.observed_at,
            version=0,
            lon=signal.lon,
            lat=signal.lat,
            commune=signal.commune,
            zone=signal.zone,
            agency=agency.id if agency else None,
            marks=signal.marks,
        )
        draft = cls(incident, {}, None)
        draft._join(signal, Match("first", 0.0 if signal.lon is not None else None, 0.0), now, [Change.OPENED])
        return draft

    @property
    def active(self) -> bool:
        """Some rule still holds it."""
        return bool(self._holding)

    def take(self, signal: Signal, match: Match, now: datetime) -> None:
        """Let a signal join: the incident's severity may rise, it may clear, or come back."""
        self._join(signal, match, now, self._changes_of(signal))

    def write(self) -> IncidentWrite | None:
        """Give the order to the store, None when nothing changed."""
        if not self._changes:
            return None
        return IncidentWrite(self.incident, self._expected_version, tuple(self._changes), tuple(self._links))

    def _changes_of(self, signal: Signal) -> list[Change]:
        if signal.action is Action.CLEAR:
            return [Change.CLEARED] if self._holding == {signal.episode} else [Change.SIGNAL]
        back = [Change.RECURRED] if self.incident.cleared_at is not None else []
        risen = [Change.ESCALATED] if signal.severity > self.incident.severity else []
        return [*back, *risen] or [Change.SIGNAL]

    def _join(self, signal: Signal, match: Match, now: datetime, changes: list[Change]) -> None:
        self._follow(signal)
        self.incident = self._joined(signal, now, changes)
        for change in changes:
            self._changes.append(self._change(signal, match, change))
        self._links.append(_link(self.incident.id, signal, match, now))

    def _follow(self, signal: Signal) -> None:
        self._keys.add(signal.key)
        if signal.action is Action.CLEAR:
            self._holding.discard(signal.episode)
            self._cleared[signal.episode] = signal.observed_at
        else:
            self._holding.add(signal.episode)
            self._cleared.pop(signal.episode, None)

    def _joined(self, signal: Signal, now: datetime, changes: list[Change]) -> Incident:
        old = self.incident
        risen, back = Change.ESCALATED in changes, Change.RECURRED in changes
        # what people called done and is not done any more needs a look again; only people close (G9)
        reopened = old.status is Status.RESOLVED and (risen or back)
        return msgspec.structs.replace(
            old,
            title=signal.title if risen else old.title,
            severity=max(old.severity, signal.severity),
            status=Status.NEW if reopened else old.status,
            updated_at=max(old.updated_at, now),
            last_signal_at=max(old.last_signal_at, signal.observed_at),
            cleared_at=None if self.active else max(self._cleared.values()),
            signal_count=old.signal_count + 1,
            source_count=len(self._keys),
            latest=readings.latest(old, signal),
            gravest=readings.gravest(old, signal),
            marks=tuple(sorted({*old.marks, *signal.marks})),
        )

    def _change(self, signal: Signal, match: Match, change: Change) -> IncidentChange:
        self.incident = msgspec.structs.replace(self.incident, version=self.incident.version + 1)
        return IncidentChange(
            incident=self.incident.id,
            version=self.incident.version,
            change=change,
            at=signal.observed_at,
            actor=f"rule:{signal.rule}",
            severity=self.incident.severity,
            status=self.incident.status,
            detail={
                "signal": signal.id,
                "action": signal.action.value,
                "title_vi": signal.title.vi,
                "title_en": signal.title.en,
                "device": signal.device,
                "value": signal.value,
                "threshold": signal.threshold,
                "reason": match.reason,
                "distance_m": match.distance_m,
                "delay_s": match.delay_s,
            },
        )


def _link(incident: str, signal: Signal, match: Match, now: datetime) -> SignalLink:
    return SignalLink(
        incident=incident,
        signal=signal.id,
        episode=signal.episode,
        rule=signal.rule,
        rule_version=signal.rule_version,
        linked_at=now,
        distance_m=match.distance_m,
        delay_s=match.delay_s,
        reason=match.reason,
    )
