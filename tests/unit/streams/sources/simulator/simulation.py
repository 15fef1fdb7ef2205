"""What the tests of the simulator share: played scenarios, and payloads read back."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import takewhile
from typing import Any

import msgspec

from streams.sources.simulator.abstract import Emission
from streams.sources.simulator.scenarios import SCENARIOS

#: An ordinary Saturday, 7:00 in Viet Nam.
START = datetime(2026, 11, 21, tzinfo=UTC)
#: All that goes wrong in an urban day is over by then; the rest of the day is left out to keep the tests fast.
URBAN_HOURS = timedelta(hours=9.5)


def start_of(name: str) -> datetime:
    """Give the scenario's own begin, or the ordinary Saturday."""
    return SCENARIOS[name].start or START


@cache
def played(name: str, seed: int = 1) -> tuple[Emission, ...]:
    """Play a scenario."""
    start = start_of(name)
    end = start + (URBAN_HOURS if name == "urban-day" else SCENARIOS[name].duration + timedelta(days=1))
    return tuple(takewhile(lambda emission: emission.send_at < end, SCENARIOS[name].events(seed, start)))


def of_device(name: str, device: str, seed: int = 1) -> list[tuple[Emission, dict[str, Any]]]:
    """Give what one device or unit sent, with its payload read, in the order of sending."""
    return _by_device(name, seed)[device]


def of_source(name: str, source: str, seed: int = 1) -> list[dict[str, Any]]:
    """Give the payloads of a source, device by device."""
    sent = _by_device(name, seed).values()
    return [event for device in sent for emission, event in device if emission.source == source]


def body(emission: Emission) -> dict[str, Any]:
    """Read a payload."""
    return msgspec.json.decode(emission.payload, type=dict[str, Any])


@cache
def _by_device(name: str, seed: int) -> dict[str, list[tuple[Emission, dict[str, Any]]]]:
    devices: defaultdict[str, list[tuple[Emission, dict[str, Any]]]] = defaultdict(list)
    for emission in played(name, seed):
        devices[emission.key.split("/")[1]].append((emission, body(emission)))
    return devices
