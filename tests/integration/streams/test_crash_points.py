from __future__ import annotations

import random
from typing import Any

import pytest

from deploy import worker as worker_module
from schemas.errors import BackpressureError
from schemas.store.abstract import Commit, Committed
from schemas.store.timescale import TimescaleStore
from streams import hop as hop_module
from streams.sources.simulator.scenarios import SCENARIOS
from tests.integration.streams.rig import Rig, messages_of, outcome, patiently, rig, working
from tests.servers import BrokerServer, DatabaseServer

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

FLOOD = SCENARIOS["song-ba-flood"]


class Unsure(TimescaleStore):
    """A store whose commits fail at random: before, or after the transaction (the outcome is unknown then)."""

    chance = random.Random(20251119)
    failed_before = 0
    failed_after = 0

    async def commit(self, commit: Commit) -> Committed:
        """Commit, or not, and tell the truth only sometimes."""
        luck = self.chance.random()
        if luck < 0.3:
            type(self).failed_before += 1
            raise BackpressureError("the connection was lost before COMMIT")
        done = await super().commit(commit)
        if luck > 0.65:
            type(self).failed_after += 1
            raise BackpressureError("the connection was lost after COMMIT, before its answer")
        return done


async def test_commits_of_unknown_outcome_change_nothing_in_the_end(
    broker: BrokerServer, database: DatabaseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The flood over a store that fails two of three commits: tables and incidents are those of a calm run."""
    messages = await messages_of(FLOOD)

    async def play(test: Rig) -> dict[str, object]:
        await test.skip()
        parts = [messages[i : i + 400] for i in range(0, len(messages), 400)]
        async with working(test.settings, "crash-points"):
            for part in parts:
                await patiently(lambda part=part: test.publisher.send(part))  # type: ignore[misc]
            await test.idle()
        return await outcome(test)

    async with rig(broker.bootstrap, database.create_database(), FLOOD) as test:
        calm = await play(test)

    def unsure(settings: Any, name: str, *, size: int = 4) -> Unsure:
        return Unsure(settings.database_url.get_secret_value(), max_size=size, application_name=name)

    monkeypatch.setattr(hop_module, "BACKOFF_S", (0.0, 0.01))
    monkeypatch.setattr(worker_module, "make_store", unsure)
    async with rig(broker.bootstrap, database.create_database(), FLOOD) as test:
        assert await play(test) == calm
    assert Unsure.failed_before > 5
    assert Unsure.failed_after > 5
