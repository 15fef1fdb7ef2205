from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import msgspec
import pytest
from aiokafka.structs import ConsumerRecord

from schemas.codec import encode
from schemas.events import Detection, Observation, ObservationBatch, Signal
from schemas.store.abstract import Commit, Offset
from schemas.store.memory import MemoryStore
from schemas.topics import OBSERVATIONS
from streams.evaluate import EvaluateHop
from streams.headway import Lag
from streams.pace import Pace
from streams.rules.load import library
from streams.rules.rule import Rule
from streams.watermark import Place
from tests.unit.streams.hands import NOW, SOURCE, canonical, world
from tests.unit.streams.test_store import batch

PLACE = Place(OBSERVATIONS.name, 0)
SILENT, STREET, FIRE = (
    [rule for rule in library() if rule.id == name]
    for name in ("infra.sensor-silent", "flood.street-depth", "fire.smoke-or-fire")
)


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.at = NOW + timedelta(seconds=5)

    def __call__(self) -> datetime:
        return self.at


async def made(rules: Sequence[Rule] = SILENT, pace: Pace | None = None) -> tuple[EvaluateHop, MemoryStore, Clock]:
    store, atlas = await world()
    clock = Clock()
    hop = EvaluateHop(OBSERVATIONS, store, atlas, rules, clock, pace=pace or Pace(every_s=0.0))
    await hop.load(PLACE)
    return hop, store, clock


async def test_a_device_that_falls_silent_is_noticed_by_the_clock() -> None:
    """No event comes any more: only a tick can tell, and it tells once."""
    hop, _, clock = await made()
    await hop.work(PLACE, [canonical(0, batch("d").to_bytes())])
    assert await hop.tick(PLACE) is None
    clock.at = NOW + timedelta(minutes=40)
    commit = await hop.tick(PLACE)
    assert commit is not None
    assert [signal.rule for signal in commit.signals] == ["infra.sensor-silent"]
    assert await hop.tick(PLACE) is None


async def settled(hop: EvaluateHop, store: MemoryStore, clock: Clock) -> None:
    """Let the hop read one reading of device d, and settle and write it."""
    await store.commit(await hop.work(PLACE, [canonical(0, batch("d").to_bytes())]))
    clock.at += timedelta(seconds=5)
    await stored(store, await ticked(hop), at=NOW)


async def stored(store: MemoryStore, commit: Commit, *, at: datetime) -> None:
    """Write what came of the first record, which the broker had at a time."""
    stamp_ms = int(at.timestamp() * 1000)
    await store.commit(replace(commit, offset=Offset("evaluate", PLACE.topic, PLACE.partition, 1, stamp_ms)))


async def ticked(hop: EvaluateHop) -> Commit:
    """Give what a tick that changes something gives."""
    commit = await hop.tick(PLACE)
    assert commit is not None
    return commit


async def test_silence_is_noticed_after_a_restart_too() -> None:
    """The states tell how far event time had come: nothing new must arrive before the clock counts."""
    hop, store, clock = await made()
    await settled(hop, store, clock)
    await hop.load(PLACE)
    clock.at = NOW + timedelta(minutes=40)
    assert len((await ticked(hop)).signals) == 1


async def test_loading_again_undoes_what_was_not_committed() -> None:
    """A tick whose commit failed is decided again, with the same signal."""
    hop, store, clock = await made()
    await settled(hop, store, clock)
    clock.at = NOW + timedelta(minutes=40)
    lost = await ticked(hop)
    assert len(lost.signals) == 1
    await hop.load(PLACE)
    assert await ticked(hop) == lost


async def test_a_partition_of_history_is_left_alone_by_the_clock() -> None:
    """What came long after it had happened is a replay: the wall clock says nothing of it, after a restart neither."""
    hop, store, clock = await made()
    clock.at = NOW + timedelta(days=3)
    await hop.work(PLACE, [canonical(0, late(timedelta(days=3)))])
    clock.at += timedelta(seconds=5)
    commit = await ticked(hop)
    assert commit.signals == []
    await stored(store, commit, at=clock.at)
    clock.at += timedelta(hours=5)
    assert await hop.tick(PLACE) is None
    await hop.load(PLACE)
    assert await hop.tick(PLACE) is None


def late(by: timedelta) -> bytes:
    """Give a batch with a reading of device d that came so long after it had happened."""
    row = msgspec.structs.replace(batch("d").row(0), received_at=NOW + by)
    return ObservationBatch.of([row]).to_bytes()


@pytest.mark.parametrize("restarts", [False, True])
async def test_silence_of_any_length_is_told(*, restarts: bool) -> None:
    """A station that reports each hour counts as silent after hours; nothing else moves its partition meanwhile."""
    hop, store, clock = await made()
    await store.put_sources([msgspec.structs.replace(SOURCE, cadence_s=3600.0)])
    await hop._atlas.load()
    await settled(hop, store, clock)
    if restarts:
        await hop.load(PLACE)
    told: list[Signal] = []
    for hours in range(8):
        clock.at = NOW + timedelta(hours=hours, seconds=5)
        commit = await hop.tick(PLACE)
        told += commit.signals if commit else []
    assert [signal.rule for signal in told] == ["infra.sensor-silent"]


async def test_time_passes_no_further_than_all_has_been_heard_of() -> None:
    """A lane that lags, or whose broker is away, takes nobody for silent: the reading may lie unread."""
    hop, store, clock = await made()
    await settled(hop, store, clock)
    clock.at = NOW + timedelta(minutes=40)
    assert await hop.tick(PLACE, Lag(timedelta(0), None)) is None
    assert await hop.tick(PLACE, Lag(timedelta(0), timedelta(minutes=38))) is None
    assert await hop.tick(PLACE, Lag(timedelta(0), timedelta(seconds=2))) is not None


async def test_a_row_waits_for_those_that_came_soon_after_it() -> None:
    """Its partition is read to five seconds after it: those that came later and happened before it were not in time."""
    hop, _, clock = await made(STREET)
    await hop.work(PLACE, [depth(0, 0, 31.0)])
    clock.at += timedelta(seconds=7)
    assert await hop.tick(PLACE, Lag(timedelta(seconds=3), None)) is None
    commit = await hop.tick(PLACE, Lag(timedelta(seconds=2), None))
    assert commit is not None
    assert len(commit.signals) == 1


def depth(offset: int, second: int, value: float) -> ConsumerRecord:
    """Give a record with one water depth, received a minute after NOW."""
    at = NOW + timedelta(seconds=second)
    row = Observation(
        id="-", source="s", device="street:1", metric="flood_depth", value=value, observed_at=at,
        received_at=NOW + timedelta(minutes=1),
    )  # fmt: skip
    return canonical(offset, ObservationBatch.of([row]).to_bytes())


def sighting(offset: int, second: int, confidence: float) -> ConsumerRecord:
    """Give a record in which a camera sees fire."""
    at = NOW + timedelta(seconds=second)
    seen = Detection(
        id=f"{second}", source="c", device="camera:1", label="fire", confidence=confidence, observed_at=at,
        received_at=NOW + timedelta(minutes=1),
    )  # fmt: skip
    return canonical(offset, encode(seen))


async def test_events_count_in_the_order_in_which_they_happened() -> None:
    """The later one came first, in a run of its own: both wait, and the flood begins when it began."""
    hop, _, _ = await made(STREET)
    assert (await hop.work(PLACE, [depth(0, 4, 31.0)])).signals == []
    assert (await hop.work(PLACE, [depth(1, 1, 16.0)])).signals == []
    commit = await hop.work(PLACE, [depth(2, 9, 31.0)])
    assert [(signal.severity, signal.observed_at) for signal in commit.signals] == [
        (2, NOW + timedelta(seconds=1)),
        (3, NOW + timedelta(seconds=4)),
    ]


async def test_an_alarm_that_may_not_wait_is_told_at_once() -> None:
    """A rule with settle 0s is stepped as events come; nothing that came later happened for it."""
    hop, _, _ = await made(FIRE)
    first = await hop.work(PLACE, [sighting(0, 4, 0.9)])
    later = await hop.work(PLACE, [sighting(1, 1, 0.7)])
    assert [signal.severity for signal in first.signals] == [4]
    assert later.signals == []
    assert hop.keeps(PLACE) is None


async def test_records_with_a_row_that_waits_are_kept() -> None:
    """The first of them is where a new worker begins; settled rows keep nobody."""
    hop, _, clock = await made(STREET)
    await hop.work(PLACE, [depth(3, 0, 1.0), depth(4, 4, 1.0)])
    assert hop.keeps(PLACE) == 3
    await hop.work(PLACE, [depth(5, 5, 1.0)])
    assert hop.keeps(PLACE) == 4
    clock.at += timedelta(seconds=5)
    await hop.tick(PLACE)
    assert hop.keeps(PLACE) is None


async def test_a_row_waits_in_a_quiet_partition_no_longer_than_by_the_wall_clock() -> None:
    """Nothing else comes that would move the events' clock: after `settle` of ours the row counts."""
    hop, _, clock = await made(STREET)
    await hop.work(PLACE, [depth(0, 0, 31.0)])
    clock.at += timedelta(seconds=4.9)
    assert await hop.tick(PLACE) is None
    clock.at += timedelta(seconds=0.1)
    assert [signal.severity for signal in (await ticked(hop)).signals] == [3]


async def test_no_deadline_passes_over_a_row_that_waits() -> None:
    """Silence is judged by the wall clock, but not before what has come already has counted."""
    hop, store, clock = await made()
    await settled(hop, store, clock)
    clock.at = NOW + timedelta(minutes=40)
    again = batch("d").row(0)
    again = msgspec.structs.replace(again, observed_at=NOW + timedelta(minutes=25))
    await hop.work(PLACE, [canonical(1, ObservationBatch.of([again]).to_bytes())])
    assert await hop.tick(PLACE) is None
    clock.at += timedelta(seconds=5)
    assert (await ticked(hop)).signals == []


async def test_while_much_comes_states_are_written_once_in_a_while() -> None:
    """What was not written is held back by the offset, written by the next tick, and then owed no more."""
    hop, _, clock = await made(pace=Pace(lambda: 0.0))
    first = await hop.work(PLACE, [canonical(0, batch("a").to_bytes())])
    clock.at = NOW + timedelta(minutes=1)
    assert await hop.tick(PLACE) is not None
    second = await hop.work(PLACE, [canonical(1, batch("b").to_bytes())])
    assert (len(first.rule_states), len(second.rule_states), hop.keeps(PLACE)) == (0, 0, 1)
    clock.at = NOW + timedelta(minutes=2)
    commit = await hop.tick(PLACE)
    assert commit is not None
    assert {state.key for state in commit.rule_states} == {"b"}
    assert hop.keeps(PLACE) is None
