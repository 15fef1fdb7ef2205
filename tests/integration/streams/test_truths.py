"""Scenarios besides the flood, through real servers: what they open is what their ground truth says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import takewhile

import pytest
from msgspec import structs

from deploy.bootstrap import now
from geo.projection import distance_m
from schemas.events import Incident
from schemas.store.abstract import IncidentQuery
from streams.sources.simulator import runner
from streams.sources.simulator.abstract import Emission, Expected, Scenario
from streams.sources.simulator.scenarios import SCENARIOS
from tests.integration.streams.rig import rig, working
from tests.servers import BrokerServer, DatabaseServer

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(300)]


def first_hours(scenario: Scenario, hours: float) -> Scenario:
    """Give the begin of a scenario; of its truth what can have opened by then.

    An incident whose window is open at the end (of an air quality incident it is hours wide, as it opens on some full
    hour) may have opened or not: which one it is depends on the minute at which the test runs.
    """
    span = timedelta(hours=hours)

    def events(seed: int, start: datetime) -> Iterator[Emission]:
        return takewhile(lambda emission: emission.send_at <= start + span, scenario.events(seed, start))

    def truth(seed: int, start: datetime) -> list[Expected]:
        until = start + span
        known = [expected for expected in scenario.truth(seed, start) if expected.opened.earliest < until]
        assert all(step.window.latest < until for expected in surely_open(known, until) for step in expected.steps)
        return [e if e.cleared and e.cleared.latest < until else structs.replace(e, cleared=None) for e in known]

    return replace(scenario, duration=span, events=events, truth=truth)


def surely_open(truth: Sequence[Expected], until: datetime) -> list[Expected]:
    """Give what must have opened by then."""
    return [expected for expected in truth if expected.opened.latest < until]


def is_as_expected(incident: Incident, expected: Expected) -> bool:
    assert incident.lon is not None
    assert incident.lat is not None
    return (
        (incident.kind, incident.severity) == (expected.kind, expected.severity)
        and distance_m(incident.lon, incident.lat, expected.lon, expected.lat) <= expected.within_m
        and expected.opened.holds(incident.opened_at)
        and (
            expected.cleared is None
            or (incident.cleared_at is not None and expected.cleared.holds(incident.cleared_at))
        )
    )


@pytest.mark.parametrize(("name", "hours"), [("urban-day", 4.0), ("storm-of-alarms", 0.5)])
async def test_a_scenario_at_full_speed_opens_exactly_its_truth(
    broker: BrokerServer, database: DatabaseServer, name: str, hours: float
) -> None:
    """Sent as fast as the broker takes it, both lanes at once: no incident is missing, none too many."""
    scenario = first_hours(SCENARIOS[name], hours)
    async with rig(broker.bootstrap, database.create_database(), scenario) as test:
        await test.skip()
        async with working(test.settings):
            how = runner.plan(scenario, now(), speed=0)
            await runner.run(scenario, test.publisher, how, seed=1)
            await test.idle()
        found = (await test.store.incidents(IncidentQuery(), 500)).items
        truth = scenario.truth(1, how.start)
        sure = surely_open(truth, how.start + scenario.duration)
        met = [e for e in truth if any(is_as_expected(i, e) for i in found)]
        assert [e.cause for e in sure if e not in met] == []
        assert [i for i in found if not any(is_as_expected(i, e) for e in truth)] == []
        assert len(found) == len(met)
