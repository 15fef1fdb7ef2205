"""The MQTT bridge (`canh source mqtt`): reads MQTT topics, gives raw records; the only I/O among the sources.

MQTT is told that a message was received (PUBACK) only after the bus has it, so a message is in one of the two at any
moment: killed anywhere, the bridge gets from MQTT again what it had not acknowledged, and the edge knows it again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

import aiomqtt

from schemas.bus.abstract import Message, Publisher
from schemas.errors import BackpressureError, PoisonMessageError
from schemas.events import Source
from schemas.topics import RAW_OF_LANE, SOURCE_HEADER
from streams.sources.documents import TRUNCATED_HEADER

log = logging.getLogger(__name__)
T = TypeVar("T")

#: Header with the MQTT topic of a record: some formats name the device there.
TOPIC_HEADER = "mqtt_topic"
#: Messages that go to the bus together.
_BATCH = 500
#: Seconds before the first and at most before any further try of a server that is away.
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 30.0
#: Highest return code of SUBACK that grants a subscription (MQTT 3.1.1, section 3.9.3).
_LAST_GRANT = 2
#: Bytes that are kept of a message beyond the bus's limit.
_KEPT_BYTES = 64 * 1024


async def bridge(
    host: str,
    port: int,
    routes: Mapping[str, Source],
    publisher: Publisher,
    *,
    client_id: str,
    username: str | None = None,
    password: str | None = None,
) -> None:
    """Carry messages from MQTT to the bus until cancelled; either server may be away for any time.

    `routes` maps topic patterns (with + and #) to sources, the first one that matches counts. `client_id` names the
    persistent session: two bridges at one broker must not share it.
    """
    await _patiently(publisher.start)
    wait_s = _FIRST_WAIT_S
    try:
        while True:
            client = aiomqtt.Client(
                host, port, identifier=client_id, username=username, password=password, clean_session=False
            )
            client._client.manual_ack_set(True)  # noqa: SLF001 -- aiomqtt 2.5 has no way of its own
            try:
                async with client:
                    await _subscribe(client, routes)
                    wait_s = _FIRST_WAIT_S
                    log.info("mqtt %s:%d connected, topics %s", host, port, sorted(routes))
                    await _carry(client, routes, publisher)
            except aiomqtt.MqttError as error:
                log.warning("mqtt %s:%d is away (%s), next try in %.1f s", host, port, error, wait_s)
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
    finally:
        await publisher.stop()


async def _subscribe(client: aiomqtt.Client, routes: Mapping[str, Source]) -> None:
    for pattern in routes:
        granted = await client.subscribe(pattern, qos=1)
        if any((code if isinstance(code, int) else code.value) > _LAST_GRANT for code in granted):
            raise aiomqtt.MqttError(f"the broker refuses the subscription of {pattern!r}: look at its access list")


async def _carry(client: aiomqtt.Client, routes: Mapping[str, Source], publisher: Publisher) -> None:
    """Take what has come, send it, acknowledge it; ends with MqttError when the connection is lost."""
    async for first in client.messages:
        batch = [first]
        while len(client.messages) and len(batch) < _BATCH:
            batch.append(await anext(client.messages))
        records = [record for record in (_record(message, routes) for message in batch) if record is not None]
        await _send(records, publisher)
        for message in batch:
            client._client.ack(message.mid, message.qos)  # noqa: SLF001 -- see manual_ack_set


def _record(message: aiomqtt.Message, routes: Mapping[str, Source]) -> Message | None:
    """Give the raw record of a message; order is kept within an MQTT topic."""
    topic = message.topic.value
    source = next((source for pattern, source in routes.items() if message.topic.matches(pattern)), None)
    if source is None:  # a subscription that an earlier run left in the session
        log.warning("no source for mqtt topic %r: message passed over", topic)
        return None
    return Message(
        topic=RAW_OF_LANE[source.lane].name,
        value=message.payload if isinstance(message.payload, bytes) else bytes(str(message.payload or ""), "utf-8"),
        key=f"{source.id}/{topic}".encode(),
        headers=[(SOURCE_HEADER, source.id.encode()), (TOPIC_HEADER, topic.encode())],
    )


async def _send(records: Sequence[Message], publisher: Publisher) -> None:
    """Send all; a record beyond the bus's limit goes by its beginning only, for the edge to refuse."""
    try:
        await _patiently(lambda: publisher.send(records))
    except PoisonMessageError:
        for record in records:
            await _send_one(record, publisher)


async def _send_one(record: Message, publisher: Publisher) -> None:
    try:
        await _patiently(lambda: publisher.send([record]))
    except PoisonMessageError as error:
        log.error("mqtt message is too large for the bus (%s): its beginning goes to the dead letters", error)  # noqa: TRY400 -- no bug of ours
        headers = [*record.headers, (TRUNCATED_HEADER, str(len(record.value)).encode())]
        beginning = Message(record.topic, record.value[:_KEPT_BYTES], record.key, headers)
        await _patiently(lambda: publisher.send([beginning]))


async def _patiently(action: Callable[[], Awaitable[T]]) -> T:
    """Do it; while the bus is away wait and repeat, for ever: MQTT keeps what is not acknowledged."""
    wait_s = _FIRST_WAIT_S
    while True:
        try:
            return await action()
        except BackpressureError as error:
            log.warning("the bus is away (%s), next try in %.1f s", error, wait_s)
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
