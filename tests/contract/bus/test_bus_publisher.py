from __future__ import annotations

import pytest

from schemas.bus.abstract import Message
from schemas.bus.limits import MAX_MESSAGE_BYTES
from schemas.errors import BackpressureError, PoisonMessageError
from schemas.topics import DEAD_LETTERS, OBSERVATIONS, RAW_BULK
from tests.contract.bus.harness import Bus


async def test_receipts_tell_where_the_records_are(bus: Bus) -> None:
    """Value, key and headers are read back at the partition and offset of the receipt."""
    publisher, read = bus.publisher, bus.read
    headers = [("canh_source", b"gauges"), ("ce_id", "Phú Lâm".encode())]
    message = Message(RAW_BULK.name, b"one", key=b"gauges/a", headers=headers)
    (receipt,) = await publisher.send([message])
    assert receipt.topic == RAW_BULK.name
    assert await read(receipt.topic, receipt.partition, receipt.offset, 1) == [(b"one", b"gauges/a", headers)]


async def test_order_holds_within_a_partition(bus: Bus) -> None:
    """One thousand records of one partition get rising offsets without a hole and are read in that order."""
    publisher, read = bus.publisher, bus.read
    values = [str(i).encode() for i in range(1000)]
    receipts = await publisher.send([Message(OBSERVATIONS.name, value, partition=2) for value in values])
    first = receipts[0].offset
    assert [(r.partition, r.offset - first) for r in receipts] == [(2, i) for i in range(1000)]
    assert [record[0] for record in await read(OBSERVATIONS.name, 2, first, 1000)] == values


async def test_a_key_stays_in_its_partition(bus: Bus) -> None:
    """Records of one key lie in one partition; many keys use all of them."""
    publisher = bus.publisher
    keys = [f"gauges/{i}".encode() for i in range(40)]
    first = await publisher.send([Message(RAW_BULK.name, b"1", key=key) for key in keys])
    second = await publisher.send([Message(RAW_BULK.name, b"2", key=key) for key in keys])
    assert [r.partition for r in first] == [r.partition for r in second]
    assert {r.partition for r in first} == set(range(RAW_BULK.partitions))


async def test_records_without_key_are_taken(bus: Bus) -> None:
    """Neither key nor partition: the publisher chooses."""
    publisher, read = bus.publisher, bus.read
    (receipt,) = await publisher.send([Message(DEAD_LETTERS.name, b"x")])
    assert await read(receipt.topic, receipt.partition, receipt.offset, 1) == [(b"x", None, [])]


async def test_nothing_to_send_is_fine(bus: Bus) -> None:
    """An empty send gives no receipts."""
    publisher = bus.publisher
    assert await publisher.send([]) == []


async def test_too_large_is_poison_and_nothing_of_the_call_is_sent(bus: Bus) -> None:
    """The refusal names the reason; the record before it is not sent; the publisher goes on."""
    publisher, read = bus.publisher, bus.read
    before = (await publisher.send([Message(DEAD_LETTERS.name, b"before")]))[0].offset
    large = Message(DEAD_LETTERS.name, b"x" * (MAX_MESSAGE_BYTES + 1))
    with pytest.raises(PoisonMessageError, match="record 1") as caught:
        await publisher.send([Message(DEAD_LETTERS.name, b"small"), large])
    assert caught.value.reason == "too_large"
    after = (await publisher.send([Message(DEAD_LETTERS.name, b"after")]))[0].offset
    assert after == before + 1
    assert [r[0] for r in await read(DEAD_LETTERS.name, 0, before, 2)] == [b"before", b"after"]


async def test_the_largest_allowed_record_passes(bus: Bus) -> None:
    """Our own limit is within the broker's."""
    publisher, read = bus.publisher, bus.read
    value = b"x" * (MAX_MESSAGE_BYTES - 100)
    (receipt,) = await publisher.send([Message(DEAD_LETTERS.name, value)])
    assert (await read(DEAD_LETTERS.name, 0, receipt.offset, 1))[0][0] == value


async def test_an_unknown_partition_is_no_loss(bus: Bus) -> None:
    """A partition that does not exist (yet) makes the caller wait, never lose."""
    publisher = bus.publisher
    with pytest.raises(BackpressureError, match="canh topics"):
        await publisher.send([Message(DEAD_LETTERS.name, b"x", partition=9)])


async def test_health_follows_the_connection(bus: Bus) -> None:
    """Healthy while connected, not after stop; sending then means to wait; start makes it well again."""
    publisher = bus.publisher
    assert await publisher.healthy()
    await publisher.stop()
    assert not await publisher.healthy()
    with pytest.raises(BackpressureError):
        await publisher.send([Message(DEAD_LETTERS.name, b"x")])
    await publisher.start()
    assert await publisher.healthy()
