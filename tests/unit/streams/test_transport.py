from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.structs import TopicPartition

from streams import transport
from streams.transport import EMPTY_FETCH_S, BatchConsumer, _unhurried
from streams.watermark import Place, Watermark

PLACE = Place("canh.raw.bulk", 0)
HERE = TopicPartition(PLACE.topic, PLACE.partition)


def consumer(end: int | None, *, ours: bool = True) -> Any:
    """Give what `caught_up` looks at: read from 5 on, the broker has records below `end`."""
    watermark = Watermark()
    watermark.assign(PLACE, 5)
    return SimpleNamespace(watermark=watermark, assignment=lambda: {HERE} if ours else set(), highwater=lambda _tp: end)


@pytest.mark.parametrize(("end", "told"), [(5, True), (6, False), (None, False)])
def test_a_lane_has_caught_up_when_every_hop_has_all_that_the_broker_has(*, end: int | None, told: bool) -> None:
    """Nothing unread: caught up; a record more, or an end that nobody knows yet: not."""
    assert BatchConsumer.caught_up(consumer(end)) is told


def test_what_is_read_but_not_finished_is_behind() -> None:
    """A run that a hop still works on counts as unread; finished, it does not."""
    lane = consumer(8)
    ticket = lane.watermark.read(PLACE, 5, 7, frozenset({"store"}))
    assert BatchConsumer.caught_up(lane) is False
    lane.watermark.finish(ticket, "store")
    assert BatchConsumer.caught_up(lane) is True


def test_a_partition_that_went_away_is_not_judged() -> None:
    """While partitions move, nobody knows whether all was read."""
    assert BatchConsumer.caught_up(consumer(5, ours=False)) is False


@pytest.mark.parametrize("found", [True, False])
async def test_only_an_empty_fetch_waits(*, found: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """What came is given on at once; a fetch that came back empty at once takes a moment, so that it does not spin."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(transport, "monotonic", lambda: 0.0)
    monkeypatch.setattr("streams.transport.asyncio.sleep", sleep)

    async def fetch(asked: str) -> bool:
        return asked == "something"

    assert await _unhurried(fetch)("something" if found else "nothing") is found
    assert waits == ([] if found else [EMPTY_FETCH_S])


async def test_a_wait_that_is_cancelled_ends_quietly() -> None:
    """Who cancels a fetch awaits it without a guard, as aiokafka's own fetch allows."""

    async def fetch() -> bool:
        return False

    async def calm() -> bool:
        return await _unhurried(fetch)()

    task = asyncio.create_task(calm())
    await asyncio.sleep(0)
    task.cancel()
    assert await task is False


def test_what_a_hop_only_holds_is_not_behind() -> None:
    """Held rows wait for time to pass: were the lane behind because of them, no tick would ever come."""
    lane = consumer(8)
    ticket = lane.watermark.read(PLACE, 5, 7, frozenset({"evaluate"}))
    lane.watermark.keep(PLACE, "evaluate", 5)
    lane.watermark.finish(ticket, "evaluate")
    assert BatchConsumer.caught_up(lane) is True
