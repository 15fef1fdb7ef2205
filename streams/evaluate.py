"""Reads canonical topics, runs the rules, gives signals and the rule states that changed.

Events wait in memory until those that happened before them are there (`Rule.settle`); the stored offset waits with
them, so a worker that takes over reads them again (docs/decisions/0010-settle.md).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from schemas.events import ObservationBatch, Signal
from schemas.store.abstract import Commit, RuleState, StreamStore
from schemas.topics import Topic
from streams.headway import NO_LAG, Lag
from streams.hold import Hold, parts_of
from streams.hop import Hop, Records
from streams.metrics import LATE, SIGNALS
from streams.pace import Pace
from streams.rules.engine import Engine, Outcome
from streams.rules.frame import Lookups
from streams.rules.rule import Rule
from streams.rules.state import StateKey, States
from streams.watermark import Place
from streams.world import Atlas, World

#: Deadlines wait at least so long behind the newest event time: one that comes late is no silence yet.
QUIET = timedelta(seconds=30)
#: A partition whose newest event came so soon after it had happened is live: when it falls silent, the clock goes on.
LIVE = timedelta(hours=1)


@dataclass(slots=True)
class _Memory:
    """What a partition remembers: rule states, the events that wait, and how far its states had come when loaded.

    `stored_at` is when the broker had the last record that they came from. `unwritten` are the states that changed
    since states were written.
    """

    hold: Hold
    states: States = field(default_factory=States)
    loaded_to: datetime | None = None
    stored_at: datetime | None = None
    unwritten: set[StateKey] = field(default_factory=set)

    @property
    def live(self) -> bool:
        """The newest event was fresh when it came; its age now says nothing: who is silent for long is just that."""
        clock, loaded_to = self.hold.clock, self.loaded_to
        if clock is not None and (loaded_to is None or loaded_to <= clock):
            return self.hold.delay is not None and self.hold.delay < LIVE
        return loaded_to is not None and self.stored_at is not None and self.stored_at - loaded_to < LIVE


class EvaluateHop(Hop):
    """Runs the pure engine; states live in memory and are written with the offset, so both are always of one moment.

    Signals are written at once; states and offset at `Pace`, as a state changes with most readings of a busy device. A
    worker that takes over steps the events since then again: the same signals come out, by the same ids.
    """

    name = "evaluate"
    at_once = 2

    def __init__(
        self,
        topic: Topic,
        store: StreamStore,
        atlas: Atlas,
        rules: Sequence[Rule],
        clock: Callable[[], datetime],
        *,
        pace: Pace | None = None,
    ) -> None:
        self.topic = topic
        self._store = store
        self._atlas = atlas
        self._clock = clock
        self._pace = pace or Pace()
        self._engine = Engine(rules)
        self._world: World | None = None
        self._memory: dict[Place, _Memory] = {}

    async def load(self, place: Place) -> None:
        """Read the partition's rule states; the newest of them tells how far event time had come."""
        self._pace.forget(place)
        memory = _Memory(Hold(self._engine.settle), stored_at=await self._stored_at(place))
        now = self._clock()
        for row in await self._store.rule_states(place.topic, place.partition):
            if row.state is not None:
                memory.states.load(row.rule, row.key, row.state)
                state = memory.states.get(row.rule, row.key)
                if state is not None and state.last_at <= now:  # a device whose clock is ahead does not tell the time
                    memory.loaded_to = max(memory.loaded_to or state.last_at, state.last_at)
        self._memory[place] = memory

    async def _stored_at(self, place: Place) -> datetime | None:
        stored = await self._store.offsets(self.name, place.topic)
        stamps = [offset.stamp_ms for offset in stored if offset.partition == place.partition]
        return next((datetime.fromtimestamp(ms / 1000, UTC) for ms in stamps if ms is not None), None)

    async def work(self, place: Place, records: Records) -> Commit:
        """Step the rules that wait for nobody over the run, all others over what has settled; then let time pass."""
        parts = parts_of(records)
        memory, engine = self._memory[place], self._current_engine()
        held_from = memory.hold.first_offset
        LATE.labels(place.topic).inc(memory.hold.add(parts, self._clock()))
        outcomes = [engine.at_once(part.rows, memory.states) for part in parts]
        outcomes += [engine.settled(rows, memory.states) for rows in memory.hold.release()]
        if memory.hold.clock is not None:
            outcomes.append(engine.advance(memory.states, memory.hold.clock - max(QUIET, engine.settle)))
        first = records[0].offset if held_from is None else min(held_from, records[0].offset)
        rows = sum(len(part.rows) for part in parts)
        return self._commit(place, outcomes, states=self._pace.is_due(place, first, rows, hurried=memory.hold.hurried))

    async def tick(self, place: Place, lag: Lag = NO_LAG) -> Commit | None:
        """Settle what has waited long enough by the wall clock, and let it pass over a live partition.

        There nothing may come any more, and silence is news too; one that plays history knows its own time only. What
        lies unread behind a lane that lags is no silence: the clock goes no further than all has been heard of.
        """
        memory = self._memory.get(place)
        if memory is None:
            return None
        now, engine = self._clock(), self._current_engine()
        settled = [] if lag.here is None else memory.hold.release_waiting(now - lag.here)
        outcomes = [engine.settled(rows, memory.states) for rows in settled]
        if memory.live and lag.sources is not None:
            quiet = now - lag.sources - max(QUIET, engine.settle)
            outcomes.append(engine.advance(memory.states, min(quiet, memory.hold.oldest or quiet)))
        news = bool(settled) or any(outcome.before for outcome in outcomes)
        owed = self._pace.settle(place, hurried=news)
        return self._commit(place, outcomes, states=True) if news or owed else None

    def keeps(self, place: Place) -> int | None:
        """Give the first record that has a row that still waits, or changed a state that is not written."""
        owed = (self._memory[place].hold.first_offset, self._pace.owed_from(place))
        return min((offset for offset in owed if offset is not None), default=None)

    def hurry(self, place: Place, *, on: bool) -> None:
        """Let nothing wait while a bad record is looked for."""
        self._memory[place].hold.hurried = on

    def _current_engine(self) -> Engine:
        world = self._atlas.world
        if world is not self._world:  # another version of the registry, or another day: zones have changed
            self._engine = self._engine.knowing(lookups(world))
            self._world = world
        return self._engine

    def _commit(self, place: Place, outcomes: Sequence[Outcome], *, states: bool) -> Commit:
        memory = self._memory[place]
        memory.unwritten.update(key for outcome in outcomes for key in outcome.before)
        changed = memory.states.encoded(memory.unwritten) if states else {}
        if states:
            memory.unwritten = set()
        signals: list[Signal] = [signal for outcome in outcomes for signal in outcome.signals]
        derived = [observation for outcome in outcomes for observation in outcome.derived]
        for signal in signals:
            SIGNALS.labels(signal.rule, signal.action).inc()
        return Commit(
            observations=ObservationBatch.of(derived) if derived else None,
            rule_states=[
                RuleState(rule, key, place.topic, place.partition, raw) for (rule, key), raw in changed.items()
            ],
            signals=signals,
        )


def lookups(world: World) -> Lookups:
    """Give the rules their view of the registry."""
    titles = {device.id: device.title for device in world.devices.values() if device.title}
    titles |= {unit.id: unit.name for unit in world.units.values()}
    titles |= {zone.id: zone.name for zone in world.zones.zones}
    titles |= {zone.code: zone.name for zone in world.zones.with_kind("commune")}

    def distance_m(zone_id: str, lon: float, lat: float) -> float | None:
        return None if world.zones.get(zone_id) is None else world.zones.distance_m(zone_id, lon, lat)

    return Lookups(
        cadence_s={source.id: source.cadence_s for source in world.sources.values() if source.cadence_s},
        home_zone={unit.id: unit.home_zone for unit in world.units.values() if unit.home_zone},
        titles=titles,
        distance_m=distance_m,
    )
