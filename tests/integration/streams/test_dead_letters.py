from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from deploy.stack import environment
from deploy.worker import Worker
from schemas.bus.abstract import Message
from schemas.events.dead_letter import Reason
from schemas.topics import RAW_BULK, SOURCE_HEADER
from streams.sources.simulator.scenarios import SCENARIOS
from tests.faults.ledger import reading, stored
from tests.integration.streams.rig import Rig, rig, until, working
from tests.servers import BrokerServer, DatabaseServer

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

COUNT = 7
BROKEN = b'{"device": "ledger-1", "metric": '


async def canh(test: Rig, *arguments: str) -> bytes:
    """Run a command as a person does; it must succeed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "deploy.cli", *arguments,
        env=os.environ | environment(test.settings),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, err.decode()
    return out


async def knows(worker: Worker, source: str) -> bool:
    """Tell whether the worker has seen that the registry changed."""
    return source in worker._atlas.world.sources


async def listed(test: Rig, *arguments: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = msgspec.json.decode(await canh(test, "dlq", "list", "--json", *arguments))
    return rows


async def test_what_was_refused_is_listed_and_goes_back_after_the_mend(
    broker: BrokerServer, database: DatabaseServer, tmp_path: Path
) -> None:
    """Refused for want of a source, then listed, mended, replayed, stored once; a broken one stays refused."""
    dsn = database.create_database()
    async with rig(broker.bootstrap, dsn, SCENARIOS["song-ba-flood"]) as test:
        await test.skip()
        header = [(SOURCE_HEADER, b"ledger")]
        good = [Message(RAW_BULK.name, reading(number), headers=header, partition=2) for number in range(COUNT)]
        receipts = await test.publisher.send([*good, Message(RAW_BULK.name, BROKEN, headers=header, partition=2)])
        async with working(test.settings, "dlq") as worker:
            await test.idle()
            rows = await listed(test, "--source", "ledger")
            places = {f"{receipt.topic}/{receipt.partition}/{receipt.offset}" for receipt in receipts}
            assert {row["place"] for row in rows} == places
            assert {row["reason"] for row in rows} == {Reason.UNKNOWN_SOURCE}
            assert stored(dsn) == {}

            mend = tmp_path / "source.json"
            mend.write_text('{"id": "ledger", "kind": "sensor", "format": "native", "options": {"replay": "true"}}')
            await canh(test, "source", "add", str(mend))
            await until(lambda: knows(worker, "ledger"))
            await canh(test, "dlq", "replay", "--source", "ledger")
            await test.idle()
            assert sorted(stored(dsn)) == list(range(COUNT))
            (still,) = await listed(test, "--source", "ledger")
            assert still["reason"] == Reason.BAD_JSON

            await canh(test, "dlq", "replay", "--source", "ledger")
            await test.idle()
            (again,) = await listed(test, "--source", "ledger")
            assert again["id"] == still["id"]
            assert len(await listed(test, "--source", "ledger", "--every")) == COUNT + 2
            letter = next(x for x in await test.store.dead_letters(unresolved=True) if x.id == again["id"])
            assert letter.raw == BROKEN
            assert letter.attempts >= 1
