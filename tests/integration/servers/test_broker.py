from __future__ import annotations

import asyncio
import subprocess
import sys
import time
import uuid
from typing import Any  # records of aiokafka, which has no types

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from kafka import TopicPartition as AdminPartition
from kafka.admin import KafkaAdminClient, NewTopic

from deploy import topics
from deploy.local.broker import topic_config
from deploy.topics import free_worker
from schemas.topics import Topic
from tests.servers import BrokerServer

pytestmark = pytest.mark.integration

STAMP_KINDS = ("CreateTime", "LogAppendTime")
RETENTION = topic_config(600_000, 8 << 20)

MEMBER = """
import asyncio, sys
from aiokafka import AIOKafkaConsumer

async def main(bootstrap, topic):
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, group_id=topic, group_instance_id="worker-1", enable_auto_commit=False
    )
    await consumer.start()
    while not consumer.assignment():
        await asyncio.sleep(0.05)
    print(len(consumer.assignment()), flush=True)
    await asyncio.sleep(60)

asyncio.run(main(*sys.argv[1:]))
"""


def new_topic(bootstrap: str, partitions: int = 3, config: dict[str, str] = RETENTION) -> str:
    name = f"servers-{uuid.uuid4().hex[:8]}"
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        admin.create_topics([NewTopic(name, partitions, 1, topic_configs=config)])
    finally:
        admin.close()
    return name


def test_a_topic_that_takes_the_senders_word_for_the_time_is_told_with_the_fix(
    broker: BrokerServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """received_at must be the broker's time; a topic that somebody else made may have another setting."""
    theirs, ours = (new_topic(broker.bootstrap, config={"message.timestamp.type": kind}) for kind in STAMP_KINDS)
    plain = new_topic(broker.bootstrap, config={})
    monkeypatch.setattr(topics, "TOPICS", [Topic(name, "", 3, 1, "") for name in (theirs, ours, plain, "missing")])
    states = {state.topic.name: state for state in topics.topic_states(broker.bootstrap)}
    for name in (theirs, plain):  # CreateTime is also the broker's default
        assert states[name].problem == "has message.timestamp.type=CreateTime, LogAppendTime is expected"
        assert f"--entity-name {name} --add-config message.timestamp.type=LogAppendTime" in states[name].fix
    assert (states[ours].problem, states[ours].fix) == ("", "")
    assert (states["missing"].problem, states["missing"].fix) == ("missing", "Run `canh topics`.")


async def send(bootstrap: str, topic: str, values: list[bytes], **options: object) -> list[int]:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, **options)
    await producer.start()
    try:
        sent = [
            await producer.send_and_wait(topic, value, key=b"key", headers=[("ce_id", value)], partition=0)
            for value in values
        ]
    finally:
        await producer.stop()
    return [record.offset for record in sent]


async def read(bootstrap: str, topic: str, count: int, group: str | None = None) -> list[Any]:
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        records = [await asyncio.wait_for(consumer.getone(), 20) for _ in range(count)]
        if group is not None:
            await consumer.commit()
    finally:
        await consumer.stop()
    return records


async def committed(bootstrap: str, topic: str, group: str) -> int | None:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        offset: int | None = await consumer.committed(TopicPartition(topic, 0))
    finally:
        await consumer.stop()
    return offset


@pytest.mark.parametrize("compression", [None, "gzip"])
async def test_records_come_back_whole(broker: BrokerServer, compression: str | None) -> None:
    """Key, value, headers and order survive the broker, compressed or not."""
    topic = new_topic(broker.bootstrap)
    values = [b"one", b"", "Buôn Ma Thuột".encode()]
    offsets = await send(broker.bootstrap, topic, values, compression_type=compression)
    records = await read(broker.bootstrap, topic, len(values))
    assert offsets == [0, 1, 2]
    assert [(r.key, r.value, r.headers) for r in records] == [(b"key", v, (("ce_id", v),)) for v in values]


async def test_group_offsets_are_kept(broker: BrokerServer) -> None:
    """What a group committed is what it finds again."""
    topic = new_topic(broker.bootstrap)
    group = f"group-{topic}"
    await send(broker.bootstrap, topic, [b"a", b"b"])
    await read(broker.bootstrap, topic, 2, group)
    assert await committed(broker.bootstrap, topic, group) == 2


async def test_polite_restart_keeps_records_and_offsets(broker: BrokerServer) -> None:
    """Stop and start lose neither a record nor a committed offset, and the address stays."""
    topic = new_topic(broker.bootstrap)
    group = f"group-{topic}"
    await send(broker.bootstrap, topic, [b"before"])
    await read(broker.bootstrap, topic, 1, group)
    address = broker.bootstrap
    broker.stop()
    assert not broker.running()
    broker.restart()
    assert broker.bootstrap == address
    assert await send(broker.bootstrap, topic, [b"after"]) == [1]
    assert [r.value for r in await read(broker.bootstrap, topic, 2)] == [b"before", b"after"]
    assert await committed(broker.bootstrap, topic, group) == 1


async def test_serves_again_after_kill9(broker: BrokerServer) -> None:
    """After a crash the broker starts on its old data and takes records."""
    topic = new_topic(broker.bootstrap)
    broker.kill9()
    broker.restart()
    again = new_topic(broker.bootstrap)
    assert again != topic
    assert await send(broker.bootstrap, again, [b"x"]) == [0]


def test_a_killed_static_member_is_replaced_at_once(broker: BrokerServer) -> None:
    """A worker with a fixed group instance id has all partitions again right after kill -9.

    The embedded broker never drops a dead member that has none: see docs/decisions/0005-embedded-servers.md.
    """
    topic = new_topic(broker.bootstrap, 6)
    for _ in range(2):
        member = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", MEMBER, broker.bootstrap, topic], stdout=subprocess.PIPE, text=True
        )
        assert member.stdout is not None
        assert member.stdout.readline() == "6\n"
        member.kill()
        member.wait()


def test_a_worker_that_is_gone_for_good_is_taken_out_of_its_groups(broker: BrokerServer) -> None:
    """Its partitions are free for others at once; a name that no group has frees nothing."""
    topic = new_topic(broker.bootstrap)
    group = f"canh-{topic}"
    program = MEMBER.replace("group_id=topic", f"group_id={group!r}").replace('"worker-1"', f"{group + '-gone'!r}")
    command = (sys.executable, "-c", program, broker.bootstrap, topic)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as member:
        assert member.stdout is not None
        assert member.stdout.readline() == "3\n"
        member.kill()
        member.wait()
    assert free_worker(broker.bootstrap, "another") == []
    assert free_worker(broker.bootstrap, "gone") == [group]
    assert free_worker(broker.bootstrap, "gone") == []


async def test_records_that_are_done_can_be_deleted(broker: BrokerServer) -> None:
    """What all readers have finished can be trimmed away; reading goes on at the first kept offset."""
    topic = new_topic(broker.bootstrap)
    await send(broker.bootstrap, topic, [b"a", b"b", b"c"])
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    admin.delete_records({AdminPartition(topic, 0): 2})
    admin.close()
    (first,) = await read(broker.bootstrap, topic, 1)
    assert (first.offset, first.value) == (2, b"c")


@pytest.mark.slow
async def test_retention_bounds_a_topic_that_always_gets_records(broker: BrokerServer) -> None:
    """With `topic_config` the broker deletes old records while new ones come in."""
    topic = new_topic(broker.bootstrap, 1, topic_config(3_000, 8 << 20))
    deadline = time.monotonic() + 60
    first = 0
    while first == 0 and time.monotonic() < deadline:
        await send(broker.bootstrap, topic, [b"x"] * 5)
        await asyncio.sleep(0.5)
        (oldest,) = await read(broker.bootstrap, topic, 1)
        first = oldest.offset
    assert first > 0
