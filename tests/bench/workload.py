"""The reference workload: 200,000 single JSON readings, 5,000 registered devices, 3 metrics, 500 polygons; seeded.

Devices stay where they are and report every minute, minute after minute; one street in 1,000 is under water.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np

from geo.zones import Places, ZoneIndex
from schemas.codec import Headers
from schemas.events import Device, Source, Zone
from schemas.topics import RAW_BULK, SOURCE_HEADER

EVENTS, DEVICES, ZONES = 200_000, 5_000, 500
METRICS = (("water_level", "m"), ("rain", "mm"), ("flood_depth", "cm"))
EVERY = timedelta(minutes=1)
SOURCE = Source(id="bench", kind="sensor", format="native", cadence_s=EVERY.total_seconds(), title="Bench")
HEADERS: Headers = [(SOURCE_HEADER, SOURCE.id.encode()), ("content-type", b"application/json")]
WEST, SOUTH, WIDTH, HEIGHT = 107.9, 12.55, 0.3, 0.2
#: Of the polygons, a grid of ten by ten are communes; the others are round and overlap.
GRID = 10


@dataclass(frozen=True, slots=True)
class Raw:
    """One raw record: its partition, key and value."""

    partition: int
    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of one device."""

    device: Device
    metric: str
    unit: str
    value: float
    at: datetime

    def json(self) -> bytes:
        """Give it in Canh's native format."""
        device = self.device
        return (
            f'{{"type":"observation","device":"{device.id}","metric":"{self.metric}","value":{self.value},'
            f'"unit":"{self.unit}","observed_at":"{self.at:%Y-%m-%dT%H:%M:%SZ}","lon":{device.lon},"lat":{device.lat}}}'
        ).encode()


def devices() -> list[Device]:
    """Give the registered devices, each at a place of its own."""
    chance = random.Random(1)
    return [
        Device(
            id=f"bench:{i}",
            source=SOURCE.id,
            lon=round(WEST + chance.random() * WIDTH, 6),
            lat=round(SOUTH + chance.random() * HEIGHT, 6),
        )
        for i in range(DEVICES)
    ]


def readings(count: int = EVENTS, of: int = DEVICES) -> Iterator[Reading]:
    """Give readings of the first `of` devices in the order of their times, the last minute just over."""
    chance, known = random.Random(2), devices()[:of]
    minutes = math.ceil(count / (of * len(METRICS)))
    first = datetime.now(UTC).replace(second=0, microsecond=0) - minutes * EVERY
    for n in range(count):
        minute, rest = divmod(n, of * len(METRICS))
        device, (metric, unit) = known[rest // len(METRICS)], METRICS[rest % len(METRICS)]
        wet = metric == "flood_depth" and device.id.endswith("499")
        value = round(chance.uniform(20, 60) if wet else chance.uniform(0, 9), 2)
        yield Reading(device, metric, unit, value, first + minute * EVERY)


def partition_of(device: Device, partitions: int = RAW_BULK.partitions) -> int:
    """Give the raw topic's partition: a device's readings stay in order."""
    return int(device.id.partition(":")[2]) % partitions


def singles(work: Iterable[Reading], partitions: int = RAW_BULK.partitions) -> Iterator[Raw]:
    """Give one raw record for each reading."""
    for reading in work:
        yield Raw(partition_of(reading.device, partitions), reading.device.id.encode(), reading.json())


def arrays(work: Iterable[Reading], size: int) -> Iterator[tuple[Raw, list[Reading]]]:
    """Give raw records that carry `size` readings of one device each, with what is in them; none is shorter."""
    waiting: dict[str, list[Reading]] = {}
    for reading in work:
        held = waiting.setdefault(reading.device.id, [])
        held.append(reading)
        if len(held) == size:
            yield _array(waiting.pop(reading.device.id)), held


def _array(held: list[Reading]) -> Raw:
    device = held[0].device
    rows = ",".join(
        f'{{"metric":"{one.metric}","value":{one.value},"unit":"{one.unit}","observed_at":"{one.at:%Y-%m-%dT%H:%M:%SZ}"}}'
        for one in held
    )
    text = f'{{"device":"{device.id}","lon":{device.lon},"lat":{device.lat},"readings":[{rows}]}}'
    return Raw(partition_of(device), device.id.encode(), text.encode())


def zones(count: int = ZONES, *, size: float = 1.0) -> list[Zone]:
    """Give a grid of communes, and round areas over it, of some size; all over the devices."""
    chance = random.Random(3)
    communes = [_commune(x, y) for x in range(GRID) for y in range(GRID)]
    return [*communes, *(_circle(i, chance, size) for i in range(count - len(communes)))]


def located(known: list[Device]) -> Places:
    """Give where each device is."""
    lon, lat = (np.array([getattr(device, name) for device in known]) for name in ("lon", "lat"))
    return ZoneIndex.build(zones()).locate(lon, lat)


def _commune(x: int, y: int) -> Zone:
    west, south, width, height = WEST + x * WIDTH / GRID, SOUTH + y * HEIGHT / GRID, WIDTH / GRID, HEIGHT / GRID
    corners = [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]
    ring = [[west + dx * width, south + dy * height] for dx, dy in corners]
    return _zone("commune", 10_000 + GRID * x + y, ring)


def _circle(i: int, chance: random.Random, size: float) -> Zone:
    lon, lat = WEST + chance.random() * WIDTH, SOUTH + chance.random() * HEIGHT
    radius = size * chance.uniform(0.002, 0.01)
    turns = [2 * math.pi * k / 64 for k in range(64)]
    ring = [[lon + radius * math.cos(turn), lat + radius * math.sin(turn)] for turn in turns]
    return _zone("area", i, [*ring, ring[0]])


def _zone(kind: str, code: int, ring: list[list[float]]) -> Zone:
    geometry = {"type": "Polygon", "coordinates": [ring]}
    return Zone(
        id=f"{kind}:{code}", kind=kind, code=str(code), name=f"{kind} {code}", geometry=geometry,
        valid_from=date(2025, 7, 1),
    )  # fmt: skip
