from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from schemas.bus.abstract import Message
from schemas.store.abstract import IncidentQuery
from schemas.topics import RAW_BULK, SOURCE_HEADER
from streams.sources.simulator import runner
from streams.sources.simulator.abstract import Expected
from streams.sources.simulator.scenarios import SCENARIOS
from tests.integration.streams.rig import Rig, rig, working
from tests.servers import BrokerServer, DatabaseServer

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

FLOOD = SCENARIOS["song-ba-flood"]
#: How often one message is refused.
TIMES = 4


async def play(test: Rig) -> list[Expected]:
    """Send the whole flood as fast as the broker takes it; give what it must cause."""
    from deploy.bootstrap import now

    how = runner.plan(FLOOD, now(), speed=0)
    await runner.run(FLOOD, test.publisher, how, seed=1)
    return FLOOD.truth(1, how.start)


async def test_the_flood_opens_exactly_the_incidents_of_its_ground_truth(
    broker: BrokerServer, database: DatabaseServer
) -> None:
    """Raw readings in, incidents out: kind, place, severity and time as the truth says; a replay changes nothing."""
    async with rig(broker.bootstrap, database.create_database(), FLOOD) as test:
        await test.skip()
        async with working(test.settings):
            expected = await play(test)
            await refused(test)
            await test.idle()
        page = await test.store.incidents(IncidentQuery(), 500)
        found = sorted((i.kind, i.severity, round(i.lon or 0, 3), round(i.lat or 0, 3)) for i in page.items)
        assert found == sorted((e.kind, e.severity, round(e.lon, 3), round(e.lat, 3)) for e in expected)
        for incident in page.items:
            truth = next(
                e
                for e in expected
                if (round(e.lon, 3), round(e.lat, 3)) == (round(incident.lon or 0, 3), round(incident.lat or 0, 3))
            )
            assert truth.opened.holds(incident.opened_at)
            assert (incident.cleared_at is not None) == (truth.cleared is not None)
        await resolve_the_refused(test)
        await replay_changes_nothing(test)


async def refused(test: Rig) -> None:
    """Send one message of a source that nobody has registered, again and again."""
    begin = int(datetime.now(UTC).timestamp() * 1000)
    for i in range(-TIMES, 0):
        header = [(SOURCE_HEADER, b"nobody")]
        await test.publisher.send([Message(RAW_BULK.name, b"?", None, header, 1, begin + 10 * i)])
        await asyncio.sleep(0.01)  # the broker's clock counts milliseconds, and what came in one of them came once


async def resolve_the_refused(test: Rig) -> None:
    """The same message came several times: one refusal, which a person now takes as mended."""
    (letter,) = await test.store.dead_letters(source="nobody")
    assert letter.attempts == TIMES - 1
    assert await test.store.resolve_dead_letters([letter.id], datetime.now(UTC)) == 1


async def replay_changes_nothing(test: Rig) -> None:
    """Read every topic again from its beginning: each table's content stays as it is, byte for byte."""
    before = await test.store.checksum()
    await test.rewind()
    async with working(test.settings):
        await test.idle()
    after = await test.store.checksum()
    moving = {"stream_offset", "outbox"}
    assert {t: s for t, s in before.items() if t not in moving} == {t: s for t, s in after.items() if t not in moving}
