"""A worker in this process on real servers: what the integration tests of the pipeline share."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic, sleep

import psycopg
from kafka.admin import KafkaAdminClient, MemberToRemove
from kafka.errors import CoordinatorLoadInProgressError, KafkaError
from pydantic import SecretStr

from deploy.bootstrap import make_publisher, make_store, now
from deploy.demo.seed import seed_demo
from deploy.settings import Settings
from deploy.stack import environment
from deploy.topics import create_topics
from deploy.worker import Worker
from schemas.bus.abstract import Message, Receipt
from schemas.bus.kafka import KafkaPublisher
from schemas.errors import BackpressureError
from schemas.events import Lane
from schemas.store.abstract import IncidentQuery, Offset
from schemas.store.timescale import TimescaleStore
from streams.pipeline import steps
from streams.sources.simulator import runner
from streams.sources.simulator.abstract import Scenario
from tests.lag import end_offsets, left

#: A worker's own limits end it sooner (deploy/worker.py), with another exit code than 0.
STOP_S = 60.0
#: Standing still for so long is a failure, being slow is none.
STILL_S = 120.0
#: A broker that has just been started reads its groups for some seconds.
READS_GROUPS_S = 60.0


@dataclass
class Rig:
    """Settings of real servers with topics, tables and the demo's world in place."""

    settings: Settings
    store: TimescaleStore
    publisher: KafkaPublisher
    began: dict[tuple[str, int], int] = field(default_factory=dict)

    async def idle(self) -> None:
        """Wait until every hop has made durable all that its topics hold, and the outbox is empty.

        However long that takes, as long as it goes on: only standing still fails the test.
        """
        for _ in range(2):  # the second look sees what the first one's last records made
            seen = await self._left()
            while seen:
                await until(lambda seen=seen: self._moved(seen), STILL_S)  # type: ignore[misc]
                seen = await self._left()

    async def _left(self) -> int:
        assert self.settings.database_url is not None
        return await asyncio.to_thread(left, str(self.settings.kafka), self.settings.database_url.get_secret_value())

    async def _moved(self, seen: int) -> bool:
        return await self._left() != seen

    async def skip(self) -> None:
        """Begin at the end of every topic: what earlier tests left there is none of this test's business."""
        self.began = await asyncio.to_thread(end_offsets, str(self.settings.kafka))
        await self.rewind()

    async def rewind(self) -> None:
        """Set every hop back to where this test began."""
        for (topic, partition), offset in self.began.items():
            for step in steps():
                if step.reads.name == topic:
                    await self.store.reset_offset(Offset(step.hop, topic, partition, offset))


@asynccontextmanager
async def rig(bootstrap: str, dsn: str, scenario: Scenario) -> AsyncIterator[Rig]:
    """Prepare servers as `canh up` does."""
    settings = Settings.load(kafka=bootstrap, database_url=SecretStr(dsn))
    await asyncio.to_thread(create_topics, bootstrap, embedded=True)
    store, publisher = make_store(settings, "test"), make_publisher(settings)
    await store.open()
    await store.migrate()
    await seed_demo(store, scenario)
    await publisher.start()
    try:
        yield Rig(settings, store, publisher)
    finally:
        await end_left_behind()
        await asyncio.to_thread(put_out, bootstrap)
        await publisher.stop()
        await store.close()


async def end_left_behind() -> None:
    """End the workers that a failed test has left running: they would take partitions from the tests after it."""
    while STARTED:
        child = STARTED.pop()
        if child.returncode is None:
            child.kill()
            await child.wait()


@asynccontextmanager
async def working(settings: Settings, worker_id: str = "") -> AsyncIterator[Worker]:
    """Run a worker as long as the block lasts; its exit code must be 0."""
    worker = Worker(settings.model_copy(update={"worker_id": worker_id}))
    task = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        worker.stop()
        code = await asyncio.wait_for(task, STOP_S)
    assert code == 0


#: Worker processes of the test that runs.
STARTED: list[asyncio.subprocess.Process] = []


@dataclass
class Process:
    """A `canh worker` in a process of its own."""

    settings: Settings
    name: str
    log: Path
    child: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it; its log goes to a file."""
        env = os.environ | environment(self.settings.model_copy(update={"worker_id": self.name}))
        with self.log.open("ab") as log:
            self.child = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "deploy.cli", "worker", env=env, stdout=log, stderr=log
            )
        STARTED.append(self.child)

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        assert self.child is not None
        self.child.send_signal(number)

    async def kill9(self) -> None:
        """End it as a crash would."""
        self.send(signal.SIGKILL)
        assert self.child is not None
        await self.child.wait()

    async def stop(self) -> int:
        """End it politely; one that hangs for good fails the test."""
        assert self.child is not None
        if self.child.returncode is None:
            self.send(signal.SIGTERM)
        return await asyncio.wait_for(self.child.wait(), STOP_S)


@dataclass
class Sampler:
    """Compares, every 100 ms, what Kafka was told with what the database has (G3); see `sampling`."""

    test: Rig
    violations: list[str] = field(default_factory=list)
    samples: int = 0
    committed: int = 0  # samples in which Kafka knew an offset
    stopped: bool = False

    async def run(self) -> None:
        """Sample until told to stop."""
        admin = await asyncio.to_thread(
            lambda: KafkaAdminClient(bootstrap_servers=str(self.test.settings.kafka), request_timeout_ms=5000)
        )
        try:
            while not self.stopped:
                await self._sample(admin)
                await asyncio.sleep(0.1)
        finally:
            admin.close()

    async def _sample(self, admin: KafkaAdminClient) -> None:
        try:
            told = {lane: await asyncio.to_thread(_committed, admin, lane) for lane in Lane}  # Kafka first: it lags
        except KafkaError:
            return  # the coordinator is busy with a rebalance
        self.samples += 1
        for step in steps():
            stored = {o.partition: o.next_offset for o in await self.test.store.offsets(step.hop, step.reads.name)}
            for partition in range(step.reads.partitions):
                offset = told[step.lane].get((step.reads.name, partition))
                if offset is None:
                    continue
                self.committed += 1
                if offset > stored.get(partition, 0):
                    self.violations.append(f"{step.hop} {step.reads.name}/{partition}: {offset} > {stored}")


@asynccontextmanager
async def sampling(test: Rig) -> AsyncIterator[Sampler]:
    """Sample as long as the block lasts; a sampler that failed fails the test."""
    sampler = Sampler(test)
    task = asyncio.create_task(sampler.run())
    try:
        yield sampler
    finally:
        sampler.stopped = True
        await task


def group_of(lane: Lane) -> str:
    """Give the name of a lane's consumer group when all hops run in one worker."""
    return f"canh-{lane}-{'-'.join(sorted(step.hop for step in steps(lane=lane)))}"


def members(bootstrap: str) -> dict[str, int]:
    """Give the number of members of each of our groups that is at rest, 0 while one rebalances."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        groups = _groups(admin)
        found = admin.describe_groups(groups) if groups else {}
        return {group: len(each["members"]) if each["group_state"] == "Stable" else 0 for group, each in found.items()}
    finally:
        admin.close()


def put_out(bootstrap: str, worker_id: str = "") -> None:
    """Take a worker (or all) out of its groups.

    One with a name stays a member after its end, so that it gets its partitions back: Kafka waits a while for it, the
    embedded broker for ever.
    """
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        groups = _groups(admin)
        for group, found in (admin.describe_groups(groups) if groups else {}).items():
            names = [member["group_instance_id"] for member in found["members"]]
            gone = [
                MemberToRemove(group_instance_id=name)
                for name in names
                if name and name.endswith(f"-{worker_id}" if worker_id else "")
            ]
            if gone:
                admin.remove_group_members(group, gone)
    finally:
        admin.close()


def _groups(admin: KafkaAdminClient) -> list[str]:
    """Give our groups; a broker that has just been started reads them first, and refuses to list them meanwhile."""
    deadline = monotonic() + READS_GROUPS_S
    while True:
        try:
            return [group["group_id"] for group in admin.list_groups() if group["group_id"].startswith("canh-")]
        except CoordinatorLoadInProgressError:
            if monotonic() > deadline:
                raise
            sleep(0.1)


def _committed(admin: KafkaAdminClient, lane: Lane) -> dict[tuple[str, int], int]:
    offsets = admin.list_group_offsets(group_of(lane))[group_of(lane)]
    return {(tp.topic, tp.partition): found.offset for tp, found in offsets.items() if found.offset >= 0}


class Recorder:
    """A publisher that keeps what it is given, in order."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def start(self) -> None:
        """Nothing to connect to."""

    async def stop(self) -> None:
        """Nothing to leave."""

    async def healthy(self) -> bool:
        """Always."""
        return True

    async def send(self, messages: Sequence[Message]) -> list[Receipt]:
        """Keep them."""
        self.messages += messages
        return [Receipt(message.topic, 0, 0) for message in messages]


async def messages_of(scenario: Scenario, seed: int = 1) -> list[Message]:
    """Give all records of a scenario with fixed times of reception, so that two runs can be compared."""
    recorder = Recorder()
    await runner.run(scenario, recorder, runner.plan(scenario, now(), speed=0), seed=seed)
    begin = int(now().timestamp() * 1000)
    return [replace(message, timestamp_ms=begin + i) for i, message in enumerate(recorder.messages)]


async def patiently(send: Callable[[], Awaitable[object]]) -> None:
    """Repeat a send until the broker took it."""
    while True:
        try:
            await send()
        except BackpressureError:
            await asyncio.sleep(0.2)
        else:
            return


async def outcome(test: Rig) -> dict[str, object]:
    """Give all that a run of the flood leaves, without what depends on the wall clock (the broker's included)."""
    sums = await test.store.checksum()
    page = await test.store.incidents(IncidentQuery(), 500)
    return {
        **{table: sums[table] for table in ("signal", "rule_state", "dead_letter")},
        "observations": await asyncio.to_thread(_observations, test.settings),
        "incidents": sorted(
            (i.id, i.kind, i.severity, i.opened_at, i.cleared_at, i.last_signal_at) for i in page.items
        ),
    }


def _observations(settings: Settings) -> list[tuple[object, ...]]:
    assert settings.database_url is not None
    with psycopg.connect(settings.database_url.get_secret_value()) as connection:
        return connection.execute(
            "SELECT observed_at, device, metric, value, lon, lat, commune, zone_ids, marks FROM observation "
            "ORDER BY device, metric, observed_at"
        ).fetchall()


async def until(condition: Callable[[], Awaitable[bool]], timeout_s: float = 120.0) -> None:
    """Wait until something holds; fails the test when it does not in time."""
    deadline = monotonic() + timeout_s
    while not await condition():
        assert monotonic() < deadline, f"not reached within {timeout_s:.0f} s"
        await asyncio.sleep(0.1)
