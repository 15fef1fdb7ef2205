"""Decides what to start, restart and stop: reads the services' states and the time, gives names. No I/O."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from deploy.local.service import Service

FIRST_WAIT_S = 0.2
LONGEST_WAIT_S = 10.0
STEADY_S = 60.0  # after this long in good health a failure counts as the first again
START_ATTEMPTS = 3  # a service that was never ready gets so many; one that was, for ever


class Phase(enum.Enum):
    """Where a service is in its life."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class State:
    """What the supervisor knows of a service; times in seconds of a monotonic clock."""

    phase: Phase = Phase.WAITING
    since_s: float = 0.0
    failures: int = 0
    not_before_s: float = 0.0
    was_ready: bool = False


def start_order(services: Sequence[Service]) -> list[str]:
    """Give the names so that each comes after what it needs; raises ValueError for a circle or unknown need."""
    needs = {service.name: set(service.needs) for service in services}
    unknown = {need for wanted in needs.values() for need in wanted} - needs.keys()
    if unknown:
        raise ValueError(f"unknown services are needed: {sorted(unknown)}")
    order: list[str] = []
    while len(order) < len(needs):
        free = [name for name, wanted in needs.items() if name not in order and wanted <= set(order)]
        if not free:
            raise ValueError(f"services need each other in a circle: {sorted(needs.keys() - set(order))}")
        order += free
    return order


def due(services: Iterable[Service], states: Mapping[str, State], now_s: float) -> list[str]:
    """Give the services to start now: waiting, their wait over, and everything they need ready."""
    return [
        service.name
        for service in services
        if states[service.name].phase is Phase.WAITING
        and states[service.name].not_before_s <= now_s
        and all(states[need].phase is Phase.READY for need in service.needs)
    ]


def started(state: State, now_s: float) -> State:
    """Give the state after the process was started."""
    return replace(state, phase=Phase.STARTING, since_s=now_s)


def became_ready(state: State, now_s: float) -> State:
    """Give the state after the readiness probe said yes."""
    return replace(state, phase=Phase.READY, since_s=now_s, was_ready=True)


def ended(state: State, now_s: float) -> State:
    """Give the state after the process ended by itself: wait longer after each failure in a row."""
    steady = state.phase is Phase.READY and now_s - state.since_s >= STEADY_S
    failures = 1 if steady else state.failures + 1
    wait_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** (failures - 1))
    return replace(state, phase=Phase.WAITING, since_s=now_s, failures=failures, not_before_s=now_s + wait_s)


def hopeless(service: Service, state: State, now_s: float) -> bool:
    """Tell whether the first start of a service failed for good, so that a person must look."""
    if state.was_ready:
        return False
    late = state.phase is Phase.STARTING and now_s - state.since_s > service.ready_timeout_s
    return late or state.failures >= START_ATTEMPTS


def to_stop(services: Iterable[Service], states: Mapping[str, State]) -> list[str]:
    """Give the services to stop now: not stopped, and nobody who needs them is left."""
    needed = {need for service in services if states[service.name].phase is not Phase.STOPPED for need in service.needs}
    return [name for name, state in states.items() if state.phase is not Phase.STOPPED and name not in needed]
