from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

import msgspec
import pytest
from aiokafka.structs import ConsumerRecord
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import encode
from schemas.errors import BackpressureError
from schemas.events import Detection, Observation, ObservationBatch, Signal
from schemas.store.abstract import Commit, Committed
from schemas.store.memory import MemoryStore
from schemas.topics import OBSERVATIONS
from streams import hop as hop_module
from streams.evaluate import QUIET, EvaluateHop, lookups
from streams.hop import Carrier
from streams.pace import Pace
from streams.rules.engine import Engine
from streams.rules.load import library
from streams.rules.state import States
from streams.transport import Run
from streams.watermark import Place, Watermark
from streams.world import Atlas
from tests.unit.streams.hands import SOURCE, record

Row = Observation | Detection

PLACE = Place(OBSERVATIONS.name, 0)
T0 = datetime(2025, 11, 19, tzinfo=UTC)
END = T0 + timedelta(days=4)
SETTLE = timedelta(seconds=60)
#: A row may come so late, and wait so long for another one in its batch: less than SETTLE in all.
LATEST, PAIRED = timedelta(seconds=58), timedelta(seconds=1)
#: One rule of each kind, made to wait long enough that the drawn events overtake each other.
ASKED = (
    "air.vn-aqi",
    "fire.smoke-or-fire",
    "flood.river-level",
    "flood.street-depth",
    "infra.sensor-silent",
    "order.crowd-in-zone",
)
RULES = [msgspec.structs.replace(rule, settle="60s") for rule in library() if rule.id in ASKED]
READINGS = (
    ("river:phu-lam", "water_level", (1.0, 1.55, 1.7, 2.7, 3.7, 5.3)),
    ("street:1", "flood_depth", (0.0, 11.9, 15.0, 26.0, 30.0)),
    ("street:2", "flood_depth", (0.0, 11.9, 15.0, 26.0, 30.0)),
    ("air:1", "pm2_5", (10.0, 90.0, 180.0, 320.0)),
)
SIGHTINGS = (("smoke", 0.7, 1), ("fire", 0.9, 1), ("fire", 0.2, 1), ("person", 0.9, 80))


@dataclass
class Log(MemoryStore):
    """A store that fails when it is told to, before or after it has written, and keeps the signals by id."""

    trouble: list[str] = field(default_factory=list)
    told: dict[str, Signal] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__()

    async def commit(self, commit: Commit) -> Committed:
        trouble = self.trouble.pop() if self.trouble else ""
        if trouble == "before":
            raise BackpressureError("away")
        done = await super().commit(commit)
        for signal in commit.signals:
            assert self.told.setdefault(signal.id, signal) == signal
        if trouble == "after":
            raise BackpressureError("no answer")
        return done


@dataclass
class Clock:
    """A wall clock that stands where the last record came."""

    at: datetime = T0

    def __call__(self) -> datetime:
        """Give the time."""
        return self.at


def events(random: Random, size: int) -> list[Row]:
    """Give events in the order of event time, often close together; each key and time once."""
    at, found = T0, []
    for _ in range(size):
        at += timedelta(seconds=random.choice([1, 5, 10, 20, 50, 300]))
        found.append(_event(random.randrange(100), at))
    return found


def _event(pick: int, at: datetime) -> Row:
    which, pick = pick % (len(READINGS) + 1), pick // 5
    if which < len(READINGS):
        device, metric, values = READINGS[which]
        value = values[pick % len(values)]
        return Observation(
            id="-", source=SOURCE.id, device=device, metric=metric, value=value, observed_at=at, received_at=at
        )
    label, confidence, count = SIGHTINGS[pick % 4]
    return Detection(
        id=f"{at:%d%H%M%S}", source="cameras", device="camera:1", label=label, confidence=confidence, count=count,
        observed_at=at, received_at=at, zone_ids=("square:1",),
    )  # fmt: skip


def arrived(rows: list[Row], random: Random) -> list[Row]:
    """Give the rows in an order in which they may come: each less than LATEST late, some twice."""
    found = []
    for row in rows:
        for _ in range(random.choice([1, 1, 1, 2])):
            came = row.observed_at + timedelta(milliseconds=random.randrange(LATEST // timedelta(milliseconds=1)))
            found.append(msgspec.structs.replace(row, received_at=came))
    return sorted(found, key=lambda row: row.received_at)


def records_of(rows: list[Row]) -> list[ConsumerRecord]:
    """Give each row as a record of the topic; two readings that come within PAIRED of each other, as one batch."""
    values: list[tuple[bytes, datetime]] = []
    left = deque(rows)
    while left:
        row = left.popleft()
        if not isinstance(row, Observation):
            values.append((encode(row), row.received_at))
            continue
        batch = [row]
        after = left[0] if left else None
        if isinstance(after, Observation) and after.received_at - row.received_at < PAIRED:
            batch.append(after)
            left.popleft()
        values.append((ObservationBatch.of(batch).to_bytes(), batch[-1].received_at))
    return [record_of(offset, raw, came) for offset, (raw, came) in enumerate(values)]


def record_of(offset: int, raw: bytes, came: datetime) -> ConsumerRecord:
    """Give a record of the topic."""
    return record(offset, raw, topic=OBSERVATIONS.name, headers=(), at=came)


def sentinel(offset: int) -> ConsumerRecord:
    """Give an event long after all others, which settles them."""
    last = Observation(id="-", source="none", device="end", metric="rain", value=0.0, observed_at=END, received_at=END)
    return record_of(offset, ObservationBatch.of([last]).to_bytes(), END)


async def made() -> tuple[Log, Atlas]:
    """Give a store and its world."""
    store = Log()
    await store.put_sources([SOURCE])
    atlas = Atlas(store, Clock())
    await atlas.load()
    return store, atlas


async def worker(store: Log, atlas: Atlas, clock: Clock, pace: Pace) -> tuple[Carrier, Watermark, int]:
    """Start a worker on the partition; gives where it goes on."""
    watermark = Watermark()
    carrier = Carrier(EvaluateHop(OBSERVATIONS, store, atlas, RULES, clock, pace=pace), store, watermark)
    stored = await store.offsets("evaluate", OBSERVATIONS.name)
    start = stored[0].next_offset if stored else 0
    await carrier.resume(PLACE, start)
    watermark.assign(PLACE, start)
    return carrier, watermark, start


async def play(records: list[ConsumerRecord], random: Random) -> Log:
    """Let workers read all records: runs of any length, crashes, ticks and failing commits anywhere."""
    store, atlas = await made()
    clock = Clock()
    times_s = [0.0, 1.0]
    pace = Pace(lambda: random.choice(times_s), every_s=random.choice([0.0, 1.0]))
    carrier, watermark, at = await worker(store, atlas, clock, pace)
    crashes = 0
    while at < len(records):
        run = records[at : at + random.randint(1, 6)]
        store.trouble = random.choices(["", "", "before", "after"], k=random.randrange(3))
        ticket = watermark.read(PLACE, run[0].offset, run[-1].offset, frozenset({"evaluate"}))
        assert ticket is not None
        clock.at = max(clock.at, came_at(run[-1]))
        await carrier.carry(Run(ticket, run))
        at += len(run)
        what = random.choice(["", "tick", "crash"])
        if what == "tick" and at < len(records):
            clock.at = max(clock.at, came_at(records[at]))
            await carrier.tick()
        stored = [offset.next_offset for offset in await store.offsets("evaluate", OBSERVATIONS.name)]
        assert (watermark.committable(PLACE) or 0) <= (stored or [0])[0]
        if what == "crash" and crashes < 4:
            crashes += 1
            carrier, watermark, at = await worker(store, atlas, clock, pace)
    store.trouble, times_s = [], [2.0]
    await carrier.tick()  # states that have waited long enough are written, too
    return store


def came_at(record: ConsumerRecord) -> datetime:
    """Give when the broker took a record."""
    return datetime.fromtimestamp(record.timestamp / 1000, UTC)


async def calm(rows: list[Row]) -> tuple[dict[str, Signal], dict[tuple[str, str], bytes]]:
    """Give the signals and states of the sorted events in one batch, by the engine alone."""
    _, atlas = await made()
    engine, states = Engine(RULES, lookups(atlas.world)), States()
    observations = [row for row in rows if isinstance(row, Observation)]
    found = engine.step(ObservationBatch.of(observations), states).signals if observations else []
    found += engine.step([row for row in rows if isinstance(row, Detection)], states).signals
    found += engine.advance(states, END - max(QUIET, SETTLE)).signals
    return {signal.id: signal for signal in found}, states.dump()


@pytest.fixture(autouse=True, scope="module")
def no_waits() -> Iterator[None]:
    """Let failing commits be tried again at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hop_module, "BACKOFF_S", (0.0,))
        yield


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32), size=st.integers(5, 40))
def test_order_cuts_and_crashes_change_no_signal(seed: int, size: int) -> None:
    """Late (within `settle`), doubled, cut anywhere, read by workers that crash: signals and states stay the same."""
    random = Random(seed)
    rows = events(random, size)
    came = records_of(arrived(rows, random))
    store = asyncio.run(play([*came, sentinel(len(came))], random))
    signals, states = asyncio.run(calm(rows))
    assert store.told == signals
    stored = asyncio.run(store.rule_states(PLACE.topic, 0))
    assert {(row.rule, row.key): row.state for row in stored} == states
