"""Events over HTTP."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from api.config import ApiConfig, Limits
from schemas.bus.abstract import Message, Receipt
from schemas.errors import BackpressureError, PoisonMessageError
from schemas.store.abstract import Commit, Committed
from tests.unit.api.conftest import CONFIG


@pytest.fixture
def config() -> ApiConfig:
    """Small limits."""
    return replace(CONFIG, limits=Limits(body_bytes=4000, inflated_bytes=10_000, record_bytes=3000, items=50))


async def _letters(world: Any) -> list[Any]:
    return list(await world.store.dead_letters())


async def test_an_event_is_with_the_broker_before_it_is_accepted(world: Any) -> None:
    """202 names each item; the record has the source's header, the device's key and the lane's topic."""
    sender = await world.program("ingest", sources=["river"])
    answer = await sender.post("/v1/ingest/river", json={"device": "gauge", "value": 1.5})
    assert answer.status_code == 202
    assert answer.json() == {"accepted": 1, "refused": 0, "items": [{"index": 0, "status": "accepted"}]}
    (message,) = world.publisher.sent
    assert (message.topic, message.key) == ("canh.raw.bulk", b"river/gauge")
    assert dict(message.headers) == {"canh_source": b"river", "content-type": b"application/json"}
    assert json.loads(message.value) == {"device": "gauge", "value": 1.5}


async def test_the_priority_lane_has_its_own_topic(world: Any) -> None:
    """A camera's source goes the fast road; its message stays whole, XML or not."""
    sender = await world.program("ingest", sources=["camera"])
    body = b'[{"device":"cam-1"},{"device":"cam-1"}]'
    answer = await sender.post("/v1/ingest/camera", content=body, headers={"Content-Type": "application/json"})
    assert answer.json()["accepted"] == 2
    assert [(message.topic, message.value) for message in world.publisher.sent] == [("canh.raw.priority", body)]


async def test_one_bad_line_of_many_is_refused_alone(world: Any) -> None:
    """The good lines are published; the bad one is answered with its reason and lies among the dead letters."""
    sender = await world.program("ingest", sources=["river"])
    lines = b'{"device":"a"}\n{"value":1}\nrubbish\n{"device":"b"}\n'
    answer = await sender.post("/v1/ingest/river", content=lines, headers={"Content-Type": "application/x-ndjson"})
    assert answer.status_code == 202
    body = answer.json()
    assert (body["accepted"], body["refused"]) == (2, 2)
    assert body["items"][1] == {
        "index": 1,
        "status": "refused",
        "reason": "bad_shape",
        "field": "device",
        "message": "device is missing",
    }
    assert body["items"][2]["reason"] == "bad_json"
    assert [message.value for message in world.publisher.sent] == [b'{"device":"a"}', b'{"device":"b"}']
    letters = await _letters(world)
    assert {(letter.reason, letter.raw) for letter in letters} == {
        ("bad_shape", b'{"value":1}'),
        ("bad_json", b"rubbish"),
    }
    assert {letter.topic for letter in letters} == {"canh.raw.bulk"}


async def test_a_packed_message_that_is_good_in_part_travels_whole(world: Any) -> None:
    """Normalize will refuse its bad item: the door tells it, but writes no second dead letter."""
    sender = await world.program("ingest", sources=["pack"])
    answer = await sender.post("/v1/ingest/pack", content=b'[{"device":"a"},{}]')
    assert (answer.json()["accepted"], answer.json()["refused"]) == (1, 1)
    assert len(world.publisher.sent) == 1
    assert await _letters(world) == []


async def test_a_pack_of_bad_items_is_answered_whole_and_kept_in_bounds(world: Any) -> None:
    """All 150 are counted and answered; the 100th dead letter, each of which holds the message, tells of the rest."""
    sender = await world.program("ingest", sources=["camera"])
    answer = await sender.post("/v1/ingest/camera", json=[{}] * 150)
    assert (answer.status_code, answer.json()["refused"], len(answer.json()["items"])) == (400, 150, 150)
    letters = sorted(await _letters(world), key=lambda letter: letter.item)
    assert [letter.item for letter in letters] == list(range(100))
    assert letters[-1].message == "device is missing (and 50 further items of this message)"


async def test_nothing_good_is_a_400_with_the_items(world: Any) -> None:
    """The problem carries the same results; the same body again adds no second dead letter."""
    sender = await world.program("ingest", sources=["river"])
    for _ in range(2):
        answer = await sender.post("/v1/ingest/river", content=b"rubbish")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["items"][0]["reason"] == "bad_json"
    assert len(await _letters(world)) == 1
    assert world.publisher.sent == []


async def test_a_broker_that_is_away_is_503_and_nothing_is_accepted(world: Any) -> None:
    """The sender is told when to try again; no host is named."""
    sender = await world.program("ingest", sources=["river"])
    world.publisher.away = True
    answer = await sender.post("/v1/ingest/river", json={"device": "gauge"})
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "broker.internal" not in answer.text


async def test_a_store_that_cannot_take_a_refusal_is_503_before_anything_is_published(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal that nobody could record is not answered as if it was."""

    async def away(commit: Commit) -> Committed:
        raise BackpressureError("away")

    sender = await world.program("ingest", sources=["river"])
    monkeypatch.setattr(world.store, "commit", away)
    answer = await sender.post("/v1/ingest/river", content=b'[{"device":"a"},{}]')
    assert answer.status_code == 503
    assert world.publisher.sent == []


async def test_gzip_is_understood_and_bombs_are_not(world: Any) -> None:
    """A compressed body is one body; what grows beyond the cap is a 413, what is no gzip a 400."""
    sender = await world.program("ingest", sources=["river"])
    gzipped = {"Content-Encoding": "gzip"}
    good = await sender.post("/v1/ingest/river", content=gzip.compress(b'{"device":"a"}'), headers=gzipped)
    assert good.status_code == 202
    bomb = await sender.post("/v1/ingest/river", content=gzip.compress(bytes(2_000_000)), headers=gzipped)
    assert bomb.status_code == 413
    assert (await sender.post("/v1/ingest/river", content=b"{}", headers=gzipped)).status_code == 400
    other = await sender.post("/v1/ingest/river", content=b"{}", headers={"Content-Encoding": "br"})
    assert other.status_code == 415


async def test_a_large_body_is_refused_before_it_is_read(world: Any) -> None:
    """A declared length beyond the cap, or more bytes than the cap without one, is a 413."""
    sender = await world.program("ingest", sources=["river"])
    read = 0

    async def flood() -> Any:
        nonlocal read
        for _ in range(1000):
            read += 1000
            yield bytes(1000)

    assert (await sender.post("/v1/ingest/river", content=bytes(5000))).status_code == 413
    assert (await sender.post("/v1/ingest/river", content=flood())).status_code == 413
    assert world.publisher.sent == []


async def test_a_record_beyond_the_broker_s_limit_and_too_many_items_are_refused(world: Any) -> None:
    """One record too large is refused alone; too many items refuse the body."""
    sender = await world.program("ingest", sources=["river"])
    long = json.dumps([{"device": "a", "x": "y" * 3100}, {"device": "b"}]).encode()
    answer = await sender.post("/v1/ingest/river", content=long)
    assert [item.get("reason", "") for item in answer.json()["items"]] == ["too_large", ""]
    (letter,) = await _letters(world)
    assert letter.reason == "too_large"
    assert letter.raw.startswith(b'{"device": "a"')
    many = await sender.post("/v1/ingest/river", content=json.dumps([{}] * 51).encode())
    assert many.status_code == 413


@pytest.mark.parametrize(
    ("sources", "source", "status"),
    [
        (["river"], "camera", 404),
        (["river"], "no-such", 404),
        ([], "river", 404),
        (["no-such"], "no-such", 404),
        (["off"], "off", 403),
        (["*"], "river", 202),
    ],
)
async def test_a_key_writes_its_own_sources_only(world: Any, sources: list[str], source: str, status: int) -> None:
    """Another's source does not exist for a key; a switched-off source takes nothing."""
    sender = await world.program("ingest", sources=sources)
    assert (await sender.post(f"/v1/ingest/{source}", json={"device": "a"})).status_code == status


async def test_cloud_events_headers_travel_with_the_record(world: Any) -> None:
    """Binary mode over HTTP becomes binary mode on the bus."""
    sender = await world.program("ingest", sources=["river"])
    headers = {"ce-id": "42%20%E1%BA%A1", "ce-specversion": "1.0", "X-Other": "no"}
    await sender.post("/v1/ingest/river", json={"device": "a"}, headers=headers)
    sent = dict(world.publisher.sent[0].headers)
    assert (sent["ce_id"], sent["ce_specversion"]) == ("42 ạ".encode(), b"1.0")
    assert "x-other" not in sent


async def test_a_cloud_events_header_that_is_too_long_is_told_by_its_name(world: Any) -> None:
    """Nothing is cut in silence, and nothing of the body is taken."""
    sender = await world.program("ingest", sources=["river"])
    answer = await sender.post("/v1/ingest/river", json={"device": "a"}, headers={"ce-subject": "x" * 1025})
    assert (answer.status_code, answer.json()["field"]) == (400, "ce-subject")
    assert world.publisher.sent == []


async def test_a_body_that_drips_in_is_given_up(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sender that does not finish gets a 408; nothing of it is taken."""
    monkeypatch.setattr("api.ingest.body.PATIENCE_S", 0.05)
    sender = await world.program("ingest", sources=["river"])

    async def drip() -> AsyncIterator[bytes]:
        yield b'{"device":'
        await asyncio.sleep(5)

    answer = await sender.post("/v1/ingest/river", content=drip())
    assert answer.status_code == 408
    assert world.publisher.sent == []


async def test_a_record_that_the_broker_refuses_is_413(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker with a smaller limit than ours is the sender's too large, not a failure of ours."""

    async def refuse(messages: Sequence[Message]) -> list[Receipt]:
        raise PoisonMessageError("too_large", "the broker takes 1000 bytes")

    monkeypatch.setattr(world.publisher, "send", refuse)
    sender = await world.program("ingest", sources=["river"])
    answer = await sender.post("/v1/ingest/river", json={"device": "a"})
    assert answer.status_code == 413
    assert answer.json()["reason"] == "too_large"
