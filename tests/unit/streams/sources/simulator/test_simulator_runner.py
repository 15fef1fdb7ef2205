from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from schemas.bus.memory import MemoryPublisher
from schemas.errors import UsageError
from schemas.events import Lane, Text
from schemas.topics import RAW_BULK, RAW_PRIORITY
from streams.sources.simulator.abstract import Emission, Expected, Scenario
from streams.sources.simulator.faults import FAULT_FROM, SENSOR_FAULTS
from streams.sources.simulator.flood import SONG_BA_FLOOD, START
from streams.sources.simulator.runner import Mode, Plan, Progress, plan, run, truth_json
from streams.sources.simulator.storm import STORM_OF_ALARMS
from streams.sources.simulator.urban import URBAN_DAY
from tests.unit.streams.sources.simulator.simulation import played, start_of
from tests.waiting import until

NOW = datetime(2026, 11, 1, 3, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
#: "At once" on a machine that is busy; the runs themselves would last an hour.
SOON_S = 10.0


def tick_tock(seed: int, start: datetime) -> Iterator[Emission]:
    """One event a minute, for an hour, lanes in turn."""
    for i in range(61):
        lane = Lane.PRIORITY if i % 2 else Lane.BULK
        yield Emission(start + i * MINUTE, start + i * MINUTE, "clock", f"clock/{seed}", str(i).encode(), lane)


def sent(publisher: MemoryPublisher) -> int:
    return sum(len(records) for records in publisher.records.values())


def no_truth(_seed: int, _start: datetime) -> list[Expected]:
    return []


CLOCK = Scenario("clock", Text(vi="Đồng hồ", en="Clock"), timedelta(hours=1), tick_tock, no_truth)


@pytest.fixture
async def publisher() -> MemoryPublisher:
    publisher = MemoryPublisher()
    await publisher.start()
    return publisher


def test_a_historic_scenario_keeps_its_dates() -> None:
    """Replay from its own begin by default, at any speed; a start that is given wins."""
    assert plan(SONG_BA_FLOOD, NOW, speed=600) == Plan(Mode.REPLAY, 600, START, NOW)
    assert plan(SONG_BA_FLOOD, NOW).start == START
    assert plan(SONG_BA_FLOOD, NOW, start=NOW - MINUTE).start == NOW - MINUTE


def test_an_ordinary_day_is_live_at_speed_1() -> None:
    """It began three hours ago, or as long ago as asked; never longer ago than it lasts."""
    assert plan(URBAN_DAY, NOW) == Plan(Mode.LIVE, 1, NOW - timedelta(hours=3), NOW)
    assert plan(URBAN_DAY, NOW, history=MINUTE).start == NOW - MINUTE
    assert plan(STORM_OF_ALARMS, NOW).start == NOW - timedelta(minutes=30)


def test_an_ordinary_day_at_speed_ends_now() -> None:
    """Replayed, it lies wholly in the past: no event is from the future."""
    assert plan(URBAN_DAY, NOW, speed=60) == Plan(Mode.REPLAY, 60, NOW - timedelta(hours=24), NOW)


def test_what_cannot_be_is_said() -> None:
    """A historic scenario cannot be live, and time does not run backwards."""
    with pytest.raises(UsageError, match="song-ba-flood"):
        plan(SONG_BA_FLOOD, NOW, mode=Mode.LIVE)
    for speed in (-1, math.nan, math.inf):
        with pytest.raises(UsageError, match="--speed"):
            plan(URBAN_DAY, NOW, speed=speed)
    with pytest.raises(UsageError, match="--history-h -3"):
        plan(URBAN_DAY, NOW, history=timedelta(hours=-3))


@pytest.mark.parametrize("how", [{"speed": 0}, {"speed": 60}, {"mode": Mode.REPLAY}, {"start": NOW - MINUTE}])
def test_wrong_clocks_cannot_be_replayed(how: dict[str, Any]) -> None:
    """In a replay the broker's clock is ahead of every device's: the faults would turn into other ones."""
    with pytest.raises(UsageError, match="leave out --speed"):
        plan(SENSOR_FAULTS, NOW, **how)


def test_the_faults_of_a_live_run_lie_ahead() -> None:
    """However much history is asked for, all that is sent at once is healthy, and each event of it was sent by then."""
    how = plan(SENSOR_FAULTS, NOW, history=timedelta(hours=5))
    assert how == Plan(Mode.LIVE, 1, NOW - FAULT_FROM, NOW)
    healthy = [
        e for e in played(SENSOR_FAULTS.name) if how.due(e.send_at - start_of(SENSOR_FAULTS.name) + how.start) < NOW
    ]
    assert healthy
    assert all(emission.at <= emission.send_at for emission in healthy)
    assert plan(SENSOR_FAULTS, NOW, history=MINUTE).start == NOW - MINUTE


async def test_a_truth_that_cannot_be_written_is_one_sentence(publisher: MemoryPublisher, tmp_path: Path) -> None:
    """Nothing is sent that nobody could compare."""
    with pytest.raises(UsageError, match=r"cannot be written to .*: No such file"):
        await run(CLOCK, publisher, plan(CLOCK, NOW, speed=0), seed=1, truth_path=tmp_path / "no" / "truth.json")
    assert publisher.records == {}


def test_due_times_follow_the_mode() -> None:
    """Replay divides by the speed, speed 0 means at once; live means at its own time."""
    start = NOW - timedelta(hours=2)
    assert Plan(Mode.REPLAY, 60, start, NOW).due(start + timedelta(hours=1)) == NOW + MINUTE
    assert Plan(Mode.REPLAY, 0, start, NOW).due(start + timedelta(hours=1)) == NOW
    assert Plan(Mode.LIVE, 1, start, NOW).due(NOW + MINUTE) == NOW + MINUTE


async def test_records_go_to_the_raw_topic_of_their_lane(publisher: MemoryPublisher) -> None:
    """Source header, content type, key and payload are on the record; the order of a key holds."""
    done = await run(CLOCK, publisher, Plan(Mode.REPLAY, 0, NOW, NOW), seed=5)
    assert done.sent == 61
    bulk, priority = publisher.of_topic(RAW_BULK.name), publisher.of_topic(RAW_PRIORITY.name)
    assert [int(message.value) for message in bulk] == list(range(0, 61, 2))
    assert [int(message.value) for message in priority] == list(range(1, 61, 2))
    assert bulk[0].key == b"clock/5"
    assert bulk[0].headers == [("canh_source", b"clock"), ("content-type", b"application/json")]


async def test_a_whole_scenario_arrives_byte_for_byte(publisher: MemoryPublisher) -> None:
    """What the broker has is what the scenario emits, with its original times."""
    name = "song-ba-flood"
    done = await run(SONG_BA_FLOOD, publisher, plan(SONG_BA_FLOOD, NOW, speed=0), seed=1)
    sent = sorted(message.value for message in publisher.of_topic(RAW_BULK.name))
    assert sent == sorted(emission.payload for emission in played(name))
    assert (done.sent, done.part) == (len(sent), 1.0)
    assert done.at >= start_of(name) + SONG_BA_FLOOD.duration


async def test_speed_paces_the_run(publisher: MemoryPublisher) -> None:
    """An hour at speed 7200 takes no less than half a second, in more than one batch."""
    seen: list[Progress] = []
    begun = time.monotonic()
    await run(CLOCK, publisher, Plan(Mode.REPLAY, 7200, NOW, datetime.now(UTC)), seed=1, progress=seen.append)
    assert time.monotonic() - begun > 0.4
    assert len(seen) > 3
    assert seen[-1] == Progress(61, NOW + 60 * MINUTE, 1.0)


async def test_live_sends_the_past_at_once_and_waits_for_the_rest(publisher: MemoryPublisher) -> None:
    """Half an hour of history leaves immediately; the next minute's event is not sent before its time."""
    stop = asyncio.Event()
    now = datetime.now(UTC)
    how = Plan(Mode.LIVE, 1, now - 30.5 * MINUTE, now)
    task = asyncio.create_task(run(CLOCK, publisher, how, seed=1, stop=stop))
    await until(lambda: sent(publisher) == 31)
    stop.set()
    assert (await task).sent == 31


async def test_stop_ends_a_waiting_run_at_once(publisher: MemoryPublisher) -> None:
    """A run that would last an hour ends within a moment; what was sent is counted."""
    stop = asyncio.Event()
    task = asyncio.create_task(
        run(CLOCK, publisher, plan(CLOCK, datetime.now(UTC), mode=Mode.REPLAY), seed=1, stop=stop)
    )
    await until(lambda: sent(publisher) == 1)
    stop.set()
    async with asyncio.timeout(SOON_S):
        done = await task
    assert done.sent == 1


async def test_an_outage_of_the_broker_loses_nothing(publisher: MemoryPublisher) -> None:
    """While it is away the run says so and repeats; then everything arrives."""
    seen: list[Progress] = []
    publisher.away = True
    task = asyncio.create_task(run(CLOCK, publisher, Plan(Mode.REPLAY, 0, NOW, NOW), seed=1, progress=seen.append))
    await until(lambda: len(seen) > 1)
    assert seen[0].waiting
    assert seen[0].sent == 0
    publisher.away = False
    assert (await task).sent == 61
    assert not seen[-1].waiting


async def test_stop_ends_a_run_that_waits_for_the_broker(publisher: MemoryPublisher) -> None:
    """What was never acknowledged is not counted as sent."""
    stop, seen = asyncio.Event(), list[Progress]()
    publisher.away = True
    how = Plan(Mode.REPLAY, 0, NOW, NOW)
    task = asyncio.create_task(run(CLOCK, publisher, how, seed=1, stop=stop, progress=seen.append))
    await until(lambda: seen)
    stop.set()
    async with asyncio.timeout(SOON_S):
        assert (await task).sent == 0


async def test_the_truth_is_written_beside_the_events(publisher: MemoryPublisher, tmp_path: Path) -> None:
    """The file names scenario, seed and times, says that it is simulated, and reads back as the expected incidents."""
    path = tmp_path / "truth.json"
    how = plan(STORM_OF_ALARMS, NOW, speed=0)
    await run(STORM_OF_ALARMS, publisher, how, seed=3, truth_path=path)
    written = path.read_bytes()
    assert written == truth_json(STORM_OF_ALARMS, 3, how.start)
    document = msgspec.json.decode(written)
    assert (document["scenario"], document["seed"], document["simulated"]) == ("storm-of-alarms", 3, True)
    incidents = msgspec.convert(document["incidents"], list[Expected])
    assert incidents == STORM_OF_ALARMS.truth(3, how.start)
