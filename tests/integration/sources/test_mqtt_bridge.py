"""The MQTT bridge against a real mosquitto: killed between publish and acknowledgement, nothing is lost."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import aiomqtt
import pytest

from deploy.local.server import free_port
from schemas.bus.abstract import Message, Receipt
from schemas.bus.memory import MemoryPublisher
from schemas.events import Source
from schemas.topics import RAW_BULK, SOURCE_HEADER
from streams.sources.mqtt import bridge
from tests.waiting import until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
PROBE = b"probe"
#: What does not happen within this time never does.
LONG_S = 60.0
SOURCE = Source(id="air", kind="sensor", format="native")


class Mosquitto:
    """A broker of its own on a free port of loopback; its sessions survive a restart."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.config = folder, folder / "mosquitto.conf"
        for _ in range(3):  # another program may take the port first
            self.port = free_port()
            self._configure()
            if self._listens():
                return
        pytest.fail("mosquitto does not listen")

    def _configure(self) -> None:
        self.config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence true\n"
            f"persistence_location {self.folder}/\nautosave_interval 1\nautosave_on_changes true\n"
            "max_queued_messages 0\nuser root\n"
        )

    def _listens(self) -> bool:
        """Start it and wait until it listens; False when it ended."""
        self.process = subprocess.Popen([str(MOSQUITTO), "-c", str(self.config)], stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + LONG_S
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return self.process.poll() is None
            time.sleep(0.05)
        self.process.kill()
        self.process.wait()
        return False

    def start(self) -> None:
        """Start it again at its port."""
        assert self._listens(), "mosquitto does not listen"

    def stop(self) -> None:
        """End it as an administrator would."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(LONG_S)


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    if MOSQUITTO is None:
        pytest.skip("mosquitto is not installed (Debian: apt-get install mosquitto)")
    server = Mosquitto(tmp_path)
    yield server
    server.stop()


async def publish(port: int, payloads: Sequence[bytes], topic: str = "sensors/1/air") -> None:
    async with aiomqtt.Client("127.0.0.1", port) as client:
        for payload in payloads:
            await client.publish(topic, payload, qos=1)


def run_bridge(port: int, publisher: MemoryPublisher, routes: dict[str, Source] | None = None) -> asyncio.Task[None]:
    return asyncio.create_task(
        bridge("127.0.0.1", port, routes or {"sensors/+/air": SOURCE}, publisher, client_id="canh-test")
    )


async def end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def connected(port: int, publisher: MemoryPublisher) -> None:
    """Wait until the bridge has its subscription: a message goes through."""
    deadline = time.monotonic() + LONG_S
    while PROBE not in [message.value for message in publisher.of_topic(RAW_BULK.name)]:
        assert time.monotonic() < deadline, "the bridge does not connect"
        await publish(port, [PROBE])
        await asyncio.sleep(0.1)


def values(publisher: MemoryPublisher) -> list[bytes]:
    return [message.value for message in publisher.of_topic(RAW_BULK.name) if message.value != PROBE]


async def test_messages_reach_the_raw_topic_with_their_source(mosquitto: Mosquitto) -> None:
    """A message becomes a raw record of the source that its topic belongs to, in order within the topic."""
    publisher = MemoryPublisher()
    task = run_bridge(mosquitto.port, publisher)
    await connected(mosquitto.port, publisher)
    await publish(mosquitto.port, [b"%d" % i for i in range(50)])
    await until(lambda: len(values(publisher)) == 50)
    await end(task)
    assert values(publisher) == [b"%d" % i for i in range(50)]
    record = publisher.of_topic(RAW_BULK.name)[-1]
    assert record.key == b"air/sensors/1/air"
    assert dict(record.headers) == {SOURCE_HEADER: b"air", "mqtt_topic": b"sensors/1/air"}


class Deaf(MemoryPublisher):
    """Takes the records but never says so: what a crash between publish and acknowledgement looks like."""

    async def send(self, messages: Sequence[Message]) -> list[Receipt]:
        """Keep them and never come back."""
        await super().send(messages)
        await asyncio.Event().wait()
        raise AssertionError


async def test_what_was_not_acknowledged_comes_again(mosquitto: Mosquitto) -> None:
    """Ended after the bus took a message and before MQTT was told, the next bridge gets it again."""
    await end_after_session(mosquitto.port)
    deaf = Deaf()
    task = run_bridge(mosquitto.port, deaf)
    await publish(mosquitto.port, [b"a", b"b"])
    await until(lambda: values(deaf))
    await end(task)
    healthy = MemoryPublisher()
    task = run_bridge(mosquitto.port, healthy)
    await until(lambda: set(values(healthy)) == {b"a", b"b"})
    await end(task)


async def end_after_session(port: int) -> None:
    """Make the persistent session, so that messages are kept while no bridge runs."""
    publisher = MemoryPublisher()
    task = run_bridge(port, publisher)
    await connected(port, publisher)
    await end(task)


async def test_the_bus_may_be_away(mosquitto: Mosquitto) -> None:
    """While the bus does not answer nothing is acknowledged; when it is back everything arrives, once."""
    publisher = MemoryPublisher()
    task = run_bridge(mosquitto.port, publisher)
    await connected(mosquitto.port, publisher)
    publisher.away = True
    await publish(mosquitto.port, [b"%d" % i for i in range(100)])
    await asyncio.sleep(0.7)
    assert values(publisher) == []
    publisher.away = False
    await until(lambda: len(values(publisher)) == 100)
    await end(task)


async def test_mqtt_may_be_away(mosquitto: Mosquitto) -> None:
    """A restart of the MQTT broker is outlived, and what came during it is fetched."""
    publisher = MemoryPublisher()
    task = run_bridge(mosquitto.port, publisher)
    await connected(mosquitto.port, publisher)
    mosquitto.stop()
    await asyncio.sleep(0.2)
    mosquitto.start()
    await publish(mosquitto.port, [b"after"])
    await until(lambda: b"after" in values(publisher))
    await end(task)


async def test_a_message_beyond_the_limit_of_the_bus_does_not_block(mosquitto: Mosquitto) -> None:
    """Its beginning goes on, marked as cut, for the dead letters; the messages around it arrive."""
    publisher = MemoryPublisher(max_message_bytes=100_000)
    task = run_bridge(mosquitto.port, publisher)
    await connected(mosquitto.port, publisher)
    await publish(mosquitto.port, [b"before", b"x" * 200_000, b"after"])
    await until(lambda: {b"before", b"after"} <= set(values(publisher)) and len(values(publisher)) >= 3)
    await end(task)
    (cut,) = [m for m in publisher.of_topic(RAW_BULK.name) if dict(m.headers).get("canh_truncated")]
    assert (len(cut.value), dict(cut.headers)["canh_truncated"]) == (65_536, b"200000")


KILLED = """
import asyncio, os, signal, sys
from schemas.bus.memory import MemoryPublisher
from schemas.events import Source
from streams.sources.mqtt import bridge

class DiesInTheSecondBatch(MemoryPublisher):
    sent = 0
    async def send(self, messages):
        with open(sys.argv[2], "ab") as ledger:
            for message in messages:
                ledger.write(message.value + b"\\n")
        self.sent += 1
        if self.sent > 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return await super().send(messages)

source = Source(id="air", kind="sensor", format="native")
asyncio.run(bridge("127.0.0.1", int(sys.argv[1]), {"sensors/+/air": source}, DiesInTheSecondBatch(),
                   client_id="canh-test"))
"""


async def test_killed_hard_between_publish_and_acknowledgement_nothing_is_lost(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    """Kill -9 after the bus took a batch and before the PUBACK, again and again: every message is on the bus."""
    await end_after_session(mosquitto.port)
    sent = {b"%04d" % i for i in range(900)}  # several batches: the last process is ended by us or by itself
    await publish(mosquitto.port, sorted(sent))
    ledger = tmp_path / "ledger"
    ledger.touch()
    command = [sys.executable, "-c", KILLED, str(mosquitto.port), str(ledger)]
    deaths, deadline = 0, time.monotonic() + 3 * LONG_S
    while not sent <= set(ledger.read_bytes().split()):
        process = subprocess.Popen(command, cwd=Path(__file__).parents[3])  # noqa: ASYNC220 -- polled, never waited for
        try:
            while process.poll() is None and not sent <= set(ledger.read_bytes().split()):
                assert time.monotonic() < deadline, "waited too long"
                await asyncio.sleep(0.05)
        finally:
            deaths += process.poll() == -signal.SIGKILL  # by its own hand, before ours
            process.kill()
            process.wait()
    arrived = [line for line in ledger.read_bytes().split() if line != PROBE]
    assert len(arrived) > len(sent)  # some came twice: the kill fell between publish and acknowledgement
    assert deaths >= 2
