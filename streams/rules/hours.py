"""Keeps hourly means per device in a bounded window and gives a derived observation when an hour is done."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from schemas.events import Observation
from streams.rules.frame import Table
from streams.rules.state import HoursState
from streams.rules.vn_aqi import HOURS, vn_aqi

_HOUR_S = 3600
#: Events of an hour are awaited this long into the next one.
GRACE = timedelta(minutes=5)
#: An hourly mean counts with this share of its samples (VN_AQI practice); the cadence says how many there should be.
VALID_SHARE = 0.75
#: Cadence of an air station when its source names none (sensor catalogue of the domain study).
DEFAULT_CADENCE_S = 300.0

Hours = Mapping[str, Sequence[float | None]]


@dataclass(frozen=True, slots=True)
class Derivation:
    """A metric computed from hourly means of others.

    `inputs` maps each of them to how many hours it is looked back; `compute` takes, for each, the means newest first.
    """

    rule: str
    metric: str
    inputs: Mapping[str, int]
    compute: Callable[[Hours], int | None]


DERIVATIONS: Mapping[str, Derivation] = {
    "vn_aqi": Derivation("derive.vn_aqi", "vn_aqi", HOURS, vn_aqi),
}


def take(derivation: Derivation, state: HoursState, table: Table, i: int) -> list[Observation] | None:
    """Take row i into `state` (changed in place); gives an observation for every hour that this completes.

    None when the row is a duplicate or comes after something newer of its metric, or after its hour was closed.
    """
    at, metric = table.column("observed_at")[i], str(table.column("metric")[i])
    hour = int(at.timestamp()) // _HOUR_S * _HOUR_S
    newest = state.newest.get(metric)
    if (newest is not None and at <= newest) or (state.closed_at is not None and hour <= state.closed_at.timestamp()):
        return None
    total, count = state.sums.setdefault(metric, {}).get(hour, (0.0, 0))
    state.sums[metric][hour] = (total + table.column("value")[i], count + 1)
    state.newest[metric] = at
    state.last_at = max(state.last_at, at)
    return _close(derivation, state, table, i)


def _close(derivation: Derivation, state: HoursState, table: Table, i: int) -> list[Observation]:
    bound = (state.last_at - GRACE).timestamp() - _HOUR_S
    after = state.closed_at.timestamp() if state.closed_at else -math.inf
    done = sorted({hour for hours in state.sums.values() for hour in hours if after < hour <= bound})
    needed = max(1, math.ceil(VALID_SHARE * _HOUR_S / (table.column("cadence_s")[i] or DEFAULT_CADENCE_S)))
    found = []
    for hour in done:
        state.closed_at = datetime.fromtimestamp(hour, UTC)
        value = derivation.compute(_means(derivation, state, hour, needed))
        if value is not None:
            found.append(_observation(derivation, table, i, hour, value))
        _forget(derivation, state, hour)
    return found


def _means(derivation: Derivation, state: HoursState, hour: int, needed: int) -> Hours:
    """Give the hourly means, newest first, None where an hour has too few samples."""

    def mean(metric: str, back: int) -> float | None:
        total, count = state.sums.get(metric, {}).get(hour - back * _HOUR_S, (0.0, 0))
        return total / count if count >= needed else None

    return {metric: [mean(metric, back) for back in range(hours)] for metric, hours in derivation.inputs.items()}


def _forget(derivation: Derivation, state: HoursState, hour: int) -> None:
    """Leave the hours that the next index looks back to."""
    for metric, back in derivation.inputs.items():
        sums = state.sums.get(metric, {})
        for start in [start for start in sums if start <= hour - (back - 1) * _HOUR_S]:
            del sums[start]


def _observation(derivation: Derivation, table: Table, i: int, hour: int, value: float) -> Observation:
    device, at = str(table.column("device")[i]), datetime.fromtimestamp(hour + _HOUR_S, UTC)
    return Observation(
        id=Observation.identity(device, derivation.metric, at),
        source=str(table.column("source")[i]),
        observed_at=at,
        received_at=table.column("received_at")[i],
        lon=table.column("lon")[i],
        lat=table.column("lat")[i],
        commune=table.column("commune")[i],
        zone_ids=tuple(table.column("zone_ids")[i]),
        marks=tuple(table.column("marks")[i]),
        device=device,
        metric=derivation.metric,
        value=float(value),
    )
