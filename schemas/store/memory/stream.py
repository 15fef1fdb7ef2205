"""What the hops need, in memory: the same rules as the database's, without its durability."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import msgspec

from schemas.events import Action, DeadLetter, Device, IncidentWrite, Observation, PriorityEvent, Signal
from schemas.standing import Episode, Reach, Standing
from schemas.store.abstract import Commit, Committed, Offset, RuleState
from schemas.store.content import (
    ObservationContent,
    clashing_rows,
    event_clashes,
    event_content,
    observation_clashes,
    observation_content,
    sort_observations,
)
from schemas.store.feed import Outgoing, entries, of_entry, of_signal, overtaken, repetition
from schemas.store.filters import search_text
from schemas.store.memory.refusals import Refusals
from schemas.store.memory.security import Security
from schemas.store.memory.tables import now, refuse_unstorable
from schemas.store.newest import Newest, later
from schemas.store.outbox import OutboxItem


class Turn:
    """The outbox in the hands of one relay; see `schemas.store.abstract.OutboxTurn`."""

    def __init__(self, outbox: dict[int, OutboxItem], bell: Callable[[], asyncio.Event]) -> None:
        self._outbox = outbox
        self._bell = bell

    async def waiting(self, limit: int) -> list[OutboxItem]:
        """Give the oldest waiting records, in order."""
        return [self._outbox[id_] for id_ in sorted(self._outbox)[:limit]]

    async def done(self, ids: Sequence[int]) -> None:
        """Forget records that the broker has."""
        for id_ in ids:
            self._outbox.pop(id_, None)

    async def more(self, timeout_s: float) -> None:
        """Return soon after another record waits, or when the time is over."""
        if not self._outbox:
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._bell().wait()


class Stream(Security, Refusals):
    """The role `StreamStore`."""

    async def commit(self, commit: Commit) -> Committed:
        """Write all of it or nothing; see `StreamStore.commit`."""
        refuse_unstorable(commit)
        fits = self._fits(commit.offset)
        writes, known_ids = self._accepted(commit.incidents)  # from here on nothing can fail
        newest = Newest()
        stored, clashes = self._observations(commit, newest)
        stored_events, more = self._events(commit, newest)
        clashes += more
        self._letters([*commit.dead_letters, *clashes], newest)
        self._signals(commit.signals)
        if fits:  # else this part of the log has been worked on already: newer states are there
            self._states(commit.rule_states)
            if commit.offset is not None:
                self._move_offset(commit.offset)
        for entry in commit.audit:
            await self.audit(entry)
        self._see(newest)
        feed_ids = self._incidents(writes)
        given = len(commit.observations or ()) + len(commit.events)
        inserted = stored + stored_events
        return Committed(inserted, given - inserted - len(clashes), len(clashes), (*known_ids, *feed_ids))

    async def offsets(self, hop: str, topic: str) -> list[Offset]:
        """Give how far a hop has come in each partition of a topic."""
        found = [o for o in self.tables.stream_offset.values() if (o.hop, o.topic) == (hop, topic)]
        return sorted(found, key=lambda offset: offset.partition)

    async def reset_offset(self, offset: Offset) -> None:
        """Set an offset, backwards too."""
        self.tables.stream_offset[offset.hop, offset.topic, offset.partition] = replace(offset, expected=None)

    async def rule_states(self, topic: str, partition: int) -> list[RuleState]:
        """Give all rule states of a partition."""
        found = [s for s in self.tables.rule_state.values() if (s.topic, s.partition) == (topic, partition)]
        return sorted(found, key=lambda state: (state.rule, state.key))

    async def standing(self, reaches: Sequence[Reach]) -> Standing:
        """Give how things stand for the signals of these reaches; here all open incidents of a kind are in reach."""
        links = sorted(self.tables.incident_signal.values(), key=lambda why: (why.linked_at, why.incident))
        homes = {link.episode: link.incident for link in links}  # the newest link counts
        mine = {episode: homes[episode] for episode in (reach.episode for reach in reaches) if episode in homes}
        kinds, known = {reach.kind for reach in reaches}, set(mine.values())
        found = [
            incident
            for incident, _ in self.tables.incident.values()
            if incident.id in known or (incident.kind in kinds and incident.status != "closed")
        ]
        return Standing(
            linked=frozenset(link.signal for link in links).intersection(reach.signal for reach in reaches),
            homes=mine,
            incidents=tuple(sorted(found, key=lambda incident: (incident.opened_at, incident.id))),
            episodes=self._episodes({incident.id for incident in found}),
        )

    def _episodes(self, incidents: set[str]) -> dict[str, dict[str, Episode]]:
        found: dict[str, dict[str, Episode]] = {incident: {} for incident in incidents}
        for (incident, signal_id), why in sorted(self.tables.incident_signal.items()):
            if incident in found:
                signal = self.tables.signal.get(signal_id)
                episode = found[incident].get(why.episode, Episode(signal.key if signal else why.episode))
                if signal is not None and signal.action is Action.CLEAR:
                    episode = replace(episode, cleared_at=later(episode.cleared_at, signal.observed_at))
                found[incident][why.episode] = episode
        return found

    async def outbox(self, limit: int) -> list[OutboxItem]:
        """Give the oldest waiting records, in order."""
        return [self.tables.outbox[id_] for id_ in sorted(self.tables.outbox)[:limit]]

    @asynccontextmanager
    async def outbox_turn(self) -> AsyncIterator[Turn]:
        """Wait until no other relay has the outbox, then have it."""
        async with self._relaying:
            yield Turn(self.tables.outbox, lambda: self._bell)

    def _accepted(self, writes: Sequence[IncidentWrite]) -> tuple[list[IncidentWrite], list[int]]:
        versions = {id_: incident.version for id_, (incident, _) in self.tables.incident.items()}
        news: list[IncidentWrite] = []
        known: list[int] = []
        for write in writes:
            id_ = write.incident.id
            if versions.get(id_) == write.expected_version:
                versions[id_] = write.incident.version
                news.append(write)
            else:
                lines = [(n, e.change) for n, e in sorted(self.tables.incident_change.items()) if e.incident.id == id_]
                known += repetition(write, versions.get(id_), lines)
        return news, known

    def _fits(self, offset: Offset | None) -> bool:
        """Tell whether a commit continues the log; raises ConflictError as the database's store does."""
        if offset is None:
            return True
        stands = self.tables.stream_offset.get((offset.hop, offset.topic, offset.partition))
        expected = offset.next_offset if offset.expected is None else min(offset.expected, offset.next_offset)
        if stands is None or stands.next_offset <= expected:
            return True
        if offset.expected is None:
            return False
        raise overtaken(offset)

    def _move_offset(self, offset: Offset) -> None:
        key = (offset.hop, offset.topic, offset.partition)
        stands = self.tables.stream_offset.get(key)
        stamp = offset.stamp_ms
        if stamp is None and stands is not None and stands.next_offset == offset.next_offset:
            stamp = stands.stamp_ms
        self.tables.stream_offset[key] = replace(offset, stamp_ms=stamp, expected=None)

    def _observations(self, commit: Commit, newest: Newest) -> tuple[int, list[DeadLetter]]:
        batch = commit.observations
        if batch is None:
            return 0, []
        order = sort_observations(batch)
        known = order.rows.keys() & self.tables.observation.keys()
        stored = {key: _content(self.tables.observation[key]) for key in known}
        fresh = [i for key, i in order.rows.items() if key not in stored]
        other = {key: stands for key, stands in stored.items() if stands != observation_content(batch, order.rows[key])}
        for i in fresh:
            row = batch.row(i)
            self.tables.observation[row.device, row.metric, row.observed_at] = row
            newest.source(row.source).accepted += 1
        newest.add_observations(batch.frame[[i for key, i in order.rows.items() if key not in other]])
        refused = clashing_rows(batch, order, other)
        return len(fresh), observation_clashes(batch, refused, commit.offset)

    def _events(self, commit: Commit, newest: Newest) -> tuple[int, list[DeadLetter]]:
        inserted = 0
        good: list[PriorityEvent] = []
        refused: list[PriorityEvent] = []
        for event in commit.events:
            stands = self.tables.event.get(event.id)
            if stands is None:
                self.tables.event[event.id] = event
                newest.source(event.source).accepted += 1
                inserted += 1
            elif event_content(stands) != event_content(event):
                refused.append(event)
                continue
            good.append(event)
        newest.add_events(good)
        return inserted, event_clashes(refused, commit.offset)

    def _signals(self, signals: Sequence[Signal]) -> None:
        for signal in signals:
            if signal.id not in self.tables.signal:
                self.tables.signal[signal.id] = signal
                self._send(of_signal(signal))

    def _send(self, item: Outgoing) -> None:
        self._outbox_id += 1
        self._ring()
        self.tables.outbox[self._outbox_id] = OutboxItem(
            self._outbox_id, item.topic, item.key, item.headers, item.value
        )

    def _states(self, states: Sequence[RuleState]) -> None:
        for state in states:
            key = (state.topic, state.partition, state.rule, state.key)
            if state.state is None:
                self.tables.rule_state.pop(key, None)
            else:
                self.tables.rule_state[key] = state

    def _see(self, newest: Newest) -> None:
        for device, metric, observed_at, value in newest.latest().iter_rows():
            stands = self.tables.device_metric.get((device, metric))
            if stands is None or stands[0] < observed_at:
                self.tables.device_metric[device, metric] = (observed_at, value)
        for unit, fix in newest.fixes.items():
            self._fix(unit, fix)
        for name in newest.sources.keys() & self.tables.source.keys():  # anybody can send any name
            fresh = newest.sources[name]
            count = self.tables.source_count.setdefault(name, type(fresh)())
            count.accepted += fresh.accepted
            count.refused += fresh.refused
            if fresh.last_received_at is not None:
                count.see(fresh.last_observed_at, fresh.last_received_at)
        self._see_devices(newest)

    def _see_devices(self, newest: Newest) -> None:
        changed = False
        for seen in newest.devices.values():
            stands = self.tables.device.get(seen.id)
            if stands is None:
                stands = Device(id=seen.id, source=seen.source)
            elif stands.lon is not None or seen.lon is None:
                continue
            changed = True
            placed = msgspec.structs.replace(stands, lon=seen.lon, lat=seen.lat, commune=seen.commune)
            self.tables.device[seen.id] = placed
        if changed:
            self.tables.registry_version += 1
            self._ring()

    def _incidents(self, writes: list[IncidentWrite]) -> list[int]:
        names = {zone.id: zone.name for _, zone in sorted(self.tables.zone.items())}
        for write in writes:
            self.tables.incident[write.incident.id] = (write.incident, search_text(write.incident, names))
            for why in write.links:
                self.tables.incident_signal.setdefault((why.incident, why.signal), why)
        lines = entries(writes, len(self.tables.incident_change) + 1, now())
        for line in lines:
            self.tables.incident_change[line.feed_id] = line
            self._send(of_entry(line))
        return [line.feed_id for line in lines]


def _content(row: Observation) -> ObservationContent:
    return row.value, row.source_value, row.source_unit
