from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec
import polars as pl
import pytest

from deploy.demo import demo_registry
from geo.zones import ZoneIndex
from schemas.events import Action, ObservationBatch, Signal
from streams.rules.engine import Engine
from streams.rules.frame import Lookups
from streams.rules.load import library
from streams.rules.state import States
from streams.sources.abstract import RawRecord
from streams.sources.edge import Edge
from streams.sources.simulator.abstract import Emission
from streams.sources.simulator.scenarios import SCENARIOS
from tests.unit.streams.sources.simulator.simulation import start_of

pytestmark = pytest.mark.slow

#: Hours that are played: all of the short scenarios, of the others until everything has begun that begins early.
HOURS = {"song-ba-flood": 40, "urban-day": 6.6, "storm-of-alarms": 1, "sensor-faults": 8}
BATCH = 400
#: How far the rules' clock stays behind: no device is slower.
LATENESS = timedelta(seconds=30)


class Line:
    """Edge, zones and the first rules in a row, without broker and database."""

    def __init__(self, *, replay: bool) -> None:
        registry = demo_registry(replay=replay)
        self.sources = {source.id: source for source in registry.sources}
        self.zones = ZoneIndex.build(registry.zones)
        self.edge = Edge({device.id: device for device in registry.devices})
        lookups = Lookups(
            cadence_s={source.id: source.cadence_s for source in registry.sources if source.cadence_s},
            home_zone={unit.id: unit.home_zone for unit in registry.units if unit.home_zone},
            distance_m=self.zones.distance_m,
        )
        self.engine = Engine(library(), lookups)
        self.states = States()

    def signals(self, batch: list[Emission]) -> Iterator[Signal]:
        """Give what the rules find in a micro-batch; the simulator's events are never refused."""
        admitted = self.edge.admit([self.record(emission) for emission in batch])
        assert admitted.dead_letters == []
        observations = admitted.observations
        if len(observations):
            places = self.zones.locate(observations.lon, observations.lat)
            zone_ids = pl.Series(places.zone_ids, dtype=ObservationBatch.SCHEMA["zone_ids"])
            located = ObservationBatch(observations.frame.with_columns(zone_ids=zone_ids))
            yield from self.engine.step(located, self.states).signals
        if admitted.events:
            places = self.zones.locate([e.lon for e in admitted.events], [e.lat for e in admitted.events])
            placed = zip(admitted.events, places.zone_ids, strict=True)
            events = [msgspec.structs.replace(event, zone_ids=tuple(ids)) for event, ids in placed]
            yield from self.engine.step(events, self.states).signals
        yield from self.engine.advance(self.states, batch[-1].send_at - LATENESS).signals

    def record(self, emission: Emission) -> RawRecord:
        """Give the raw record as the broker would have it."""
        source = self.sources[emission.source]
        return RawRecord(source, emission.payload, dict(emission.headers), emission.send_at, "raw", 0, 0)


@pytest.mark.parametrize(("name", "hours"), list(HOURS.items()))
def test_the_first_rules_find_exactly_the_truth(name: str, hours: float) -> None:
    """No incident is missing, none too many; begins, severities and ends lie where the truth says."""
    scenario, start = SCENARIOS[name], start_of(name)
    until = start + timedelta(hours=hours)
    found: defaultdict[tuple[str, str], list[Signal]] = defaultdict(list)
    line = Line(replay=not scenario.late_is_played)
    for batch in batches(scenario.events(1, start), until):
        for signal in line.signals(batch):
            found[signal.kind, signal.device or signal.key].append(signal)
    truth = [incident for incident in scenario.truth(1, start) if incident.opened.latest < until]
    assert set(found) == {(incident.kind, incident.devices[0]) for incident in truth}
    for incident in truth:
        signals = found[incident.kind, incident.devices[0]]
        raised = [signal for signal in signals if signal.action is Action.RAISE]
        assert len(raised) == 1
        assert incident.opened.holds(raised[0].observed_at)
        for step in incident.steps:
            if step.window.latest < until:
                assert step.window.holds(next(s.observed_at for s in signals if s.severity >= step.severity))
        reached = [step.severity for step in incident.steps if step.window.latest < until] or [incident.severity]
        assert max(signal.severity for signal in signals) == max(reached)
        cleared = [signal.observed_at for signal in signals if signal.action is Action.CLEAR]
        if incident.cleared is not None and incident.cleared.latest < until:
            assert [incident.cleared.holds(at) for at in cleared] == [True]


def batches(emissions: Iterator[Emission], until: datetime) -> Iterator[list[Emission]]:
    """Give micro-batches of up to `BATCH` records or one minute."""
    batch: list[Emission] = []
    for emission in emissions:
        if emission.send_at > until:
            break
        if batch and (len(batch) >= BATCH or emission.send_at - batch[0].send_at > timedelta(minutes=1)):
            yield batch
            batch = []
        batch.append(emission)
    yield batch
