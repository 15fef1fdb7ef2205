from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from deploy import resend
from deploy.door import Door
from deploy.resend import Resend
from schemas.bus.memory import MemoryPublisher
from schemas.codec import decode_canonical, encode
from schemas.events import DeadLetter, Observation, ObservationBatch, Reason, Source
from schemas.store.abstract import Commit
from schemas.store.memory import MemoryStore
from schemas.topics import OBSERVATIONS, RAW_BULK, SOURCE_HEADER

T0 = datetime(2026, 3, 1, tzinfo=UTC)
READING = b'{"device":"%b","metric":"rain","value":1,"observed_at":"2026-03-01T00:00:00Z"}'


def letter(raw: bytes = b"x", *, after_s: float = 0, **given: Any) -> DeadLetter:
    values: dict[str, Any] = {
        "source": "s", "reason": Reason.BAD_UNIT, "field": "", "message": "", "topic": RAW_BULK.name, "partition": 1,
        "offset": 7, "received_at": T0 + timedelta(seconds=after_s), "raw": raw, "headers": {SOURCE_HEADER: "s"},
    }  # fmt: skip
    values |= given
    item, headers = values.get("item", 0), values["headers"]
    identity = DeadLetter.identity(values["source"], values["reason"], raw, item, headers)
    return DeadLetter(**{"id": identity, **values})


async def sent_again(
    *letters: DeadLetter, reason: str | None = None, limit: int = 1000
) -> tuple[MemoryStore, MemoryPublisher]:
    store, publisher = MemoryStore(), MemoryPublisher()
    await store.put_sources([Source(id="s", kind="sensor", format="native")])
    await store.commit(Commit(dead_letters=letters))
    await publisher.start()
    door = Door(lateness_s=3600, future_s=300)
    run = Resend(store, publisher, door, lambda: T0 + timedelta(hours=1))
    await run.run(source=None, reason=reason, limit=limit)
    return store, publisher


async def test_equal_bytes_of_two_senders_are_two_messages() -> None:
    """What differs in source or in headers is sent each, with the headers it came with; both are marked."""
    letters = [
        letter(source="a", headers={SOURCE_HEADER: "a"}),
        letter(source="b", headers={SOURCE_HEADER: "b"}),
        letter(source="b", headers={SOURCE_HEADER: "b", "ce_id": "2"}),
    ]
    store, publisher = await sent_again(*letters)
    found = [dict(message.headers) for message in publisher.of_topic(RAW_BULK.name)]
    assert sorted(found, key=str) == sorted(
        [{SOURCE_HEADER: b"a"}, {SOURCE_HEADER: b"b"}, {SOURCE_HEADER: b"b", "ce_id": b"2"}], key=str
    )
    assert await store.refusals() == {}


async def test_a_packed_message_goes_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its refused items are one message, even when pages part them."""
    monkeypatch.setattr(resend, "PAGE", 2)
    store, publisher = await sent_again(*(letter(b"[...]", item=i) for i in range(5)))
    assert [message.value for message in publisher.of_topic(RAW_BULK.name)] == [b"[...]"]
    assert await store.refusals() == {}


async def test_the_oldest_goes_first_and_the_limit_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The order of a device is that in which its messages came."""
    monkeypatch.setattr(resend, "PAGE", 2)
    letters = [letter(b"%d" % i, after_s=i) for i in range(7)]
    store, publisher = await sent_again(*letters[::-1], limit=5)
    assert [message.value for message in publisher.of_topic(RAW_BULK.name)] == [b"0", b"1", b"2", b"3", b"4"]
    assert await store.refusals() == {Reason.BAD_UNIT: 2}


@pytest.mark.parametrize("reason", resend.ONLY_IF_NAMED)
async def test_what_cannot_become_good_is_sent_only_when_named(reason: str) -> None:
    """Heartbeats and mere beginnings of large messages stay, unless their reason is asked for."""
    store, publisher = await sent_again(letter(reason=reason))
    assert publisher.of_topic(RAW_BULK.name) == []
    assert await store.refusals() == {reason: 1}
    _, publisher = await sent_again(letter(reason=reason), reason=reason)
    assert len(publisher.of_topic(RAW_BULK.name)) == 1


@pytest.mark.parametrize("partition", range(RAW_BULK.partitions))
async def test_a_message_goes_back_to_its_own_partition(partition: int) -> None:
    """There the rules keep the state of its device."""
    _, publisher = await sent_again(letter(READING % b"d", partition=partition))
    assert [len(publisher.records[RAW_BULK.name, n]) for n in range(RAW_BULK.partitions)] == [
        int(n == partition) for n in range(RAW_BULK.partitions)
    ]


async def test_what_the_door_refused_gets_the_doors_key() -> None:
    """By source and device, as the device's other messages; the record names its source, as the letter does."""
    _, publisher = await sent_again(letter(READING % b"gauge", partition=-1, offset=-1, headers={}))
    (message,) = publisher.of_topic(RAW_BULK.name)
    assert (message.key, message.partition) == (b"s/gauge", None)
    assert message.headers == [(SOURCE_HEADER, b"s")]


async def test_a_conflict_that_is_refused_again_is_open_again() -> None:
    """A refused observation goes back as one that comes now; if it still clashes, its refusal is open once more."""
    row = Observation(id="", source="s", device="d", metric="rain", value=1.0, observed_at=T0, received_at=T0)
    clash = ObservationBatch.of([msgspec.structs.replace(row, value=2.0)])
    origin = MemoryStore()
    await origin.commit(Commit(observations=ObservationBatch.of([row])))
    await origin.commit(Commit(observations=clash))
    (refused,) = await origin.dead_letters()
    assert refused.raw == encode(clash.row(0))
    store, publisher = await sent_again(refused)
    assert await store.refusals() == {}
    (message,) = publisher.of_topic(OBSERVATIONS.name)
    back = decode_canonical(message.value)
    assert isinstance(back, ObservationBatch)
    await store.commit(Commit(observations=ObservationBatch.of([row])))
    done = await store.commit(Commit(observations=back))
    assert done.conflicts == 1
    (again,) = await store.dead_letters()
    assert (again.id, again.attempts) == (refused.id, 1)
