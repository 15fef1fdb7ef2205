from __future__ import annotations

from contextlib import AsyncExitStack

import pytest

from schemas.store.abstract import Offset
from schemas.topics import RAW_BULK
from tests.integration.streams.rig import until
from tests.integration.streams.test_transport import Watcher, ends_of, prepared, running
from tests.servers import BrokerServer, DatabaseServer

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]


async def test_a_worker_for_whom_no_partition_is_left_says_so(broker: BrokerServer, database: DatabaseServer) -> None:
    """One worker more than partitions: it is no worker that still waits for its own, and its probe may say ready."""
    async with prepared(broker, database) as (test, _), AsyncExitStack() as stack:
        for partition, end in (await ends_of(test)).items():
            await test.store.reset_offset(Offset("spare", RAW_BULK.name, partition, end))
        names = [f"spare-{number}" for number in range(RAW_BULK.partitions + 1)]
        apps = [await stack.enter_async_context(running(test, name, Watcher("spare"))) for name in names]

        async def settled() -> bool:
            taken = sum(len(app.assigned()) for app in apps)
            return taken == RAW_BULK.partitions and any(app.left_out() for app in apps)

        await until(settled)
        assert [app.left_out() for app in apps] == [not app.assigned() for app in apps]
