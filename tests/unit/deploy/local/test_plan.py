from __future__ import annotations

from pathlib import Path

import pytest

from deploy.local import plan
from deploy.local.plan import Phase, State
from deploy.local.process import Command
from deploy.local.service import Service


def service(name: str, *needs: str, ready_timeout_s: float = 60.0) -> Service:
    return Service(name, lambda: Command(("true",), Path("log")), lambda: True, needs, ready_timeout_s=ready_timeout_s)


CANH = [
    service("api", "broker", "postgres"),
    service("worker", "broker", "postgres"),
    service("broker"),
    service("postgres"),
]
READY = State(Phase.READY, was_ready=True)


def states(**phases: Phase) -> dict[str, State]:
    return {name: State(phases.get(name, Phase.WAITING)) for name in ("broker", "postgres", "worker", "api")}


def test_order_puts_needs_first() -> None:
    """A service comes after all that it needs, whatever the order given."""
    assert plan.start_order(CANH) == ["broker", "postgres", "api", "worker"]


@pytest.mark.parametrize(
    ("services", "message"),
    [([service("a", "b"), service("b", "a")], "circle"), ([service("a", "nobody")], "nobody")],
)
def test_order_refuses_nonsense(services: list[Service], message: str) -> None:
    """A circle or an unknown need is found before anything starts."""
    with pytest.raises(ValueError, match=message):
        plan.start_order(services)


def test_only_what_needs_nothing_starts_first() -> None:
    """Worker and API wait until broker and database are ready, not only started."""
    assert plan.due(CANH, states(), 0.0) == ["broker", "postgres"]
    assert plan.due(CANH, states(broker=Phase.READY, postgres=Phase.STARTING), 0.0) == []
    assert plan.due(CANH, states(broker=Phase.READY, postgres=Phase.READY), 0.0) == ["api", "worker"]


def test_a_dead_broker_does_not_touch_the_others() -> None:
    """When the broker is restarted, only the broker is."""
    running = states(postgres=Phase.READY, worker=Phase.READY, api=Phase.READY)
    assert plan.due(CANH, running, 0.0) == ["broker"]


def test_wait_grows_to_ten_seconds() -> None:
    """Failures in a row wait 0.2 s, 0.4 s, ... and never more than 10 s; a start before that is not due."""
    state, waits = State(), []
    for _ in range(8):
        state = plan.ended(state, 100.0)
        waits.append(round(state.not_before_s - 100.0, 3))
    assert waits == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]
    assert plan.due([service("a")], {"a": state}, 109.9) == []
    assert plan.due([service("a")], {"a": state}, 110.0) == ["a"]


@pytest.mark.parametrize(("healthy_s", "failures"), [(59.0, 6), (60.0, 1)])
def test_a_minute_of_health_forgets_failures(healthy_s: float, failures: int) -> None:
    """A crash after a minute of good health is the first one again."""
    state = State(Phase.READY, since_s=0.0, failures=5, was_ready=True)
    assert plan.ended(state, healthy_s).failures == failures


def test_a_first_start_that_fails_thrice_is_hopeless() -> None:
    """Three ends before the first readiness call a person; two do not."""
    assert not plan.hopeless(CANH[0], State(failures=2), 0.0)
    assert plan.hopeless(CANH[0], State(failures=3), 0.0)


def test_a_first_start_that_takes_too_long_is_hopeless() -> None:
    """A process that lives but never gets ready calls a person after its time."""
    slow = plan.started(State(), 10.0)
    assert not plan.hopeless(service("a", ready_timeout_s=5.0), slow, 15.0)
    assert plan.hopeless(service("a", ready_timeout_s=5.0), slow, 15.1)


def test_what_was_ready_once_is_never_given_up() -> None:
    """A service that worked is restarted for ever."""
    state = plan.became_ready(plan.started(State(), 0.0), 1.0)
    for _ in range(50):
        state = plan.ended(state, 2.0)
    assert not plan.hopeless(CANH[0], state, 1e9)


def test_stops_in_reverse() -> None:
    """The API and the worker end before what they need; then broker and database end."""
    running = dict.fromkeys(("broker", "postgres", "worker", "api"), READY)
    assert sorted(plan.to_stop(CANH, running)) == ["api", "worker"]
    running["api"] = State(Phase.STOPPED)
    assert plan.to_stop(CANH, running) == ["worker"]
    running["worker"] = State(Phase.STOPPED)
    assert sorted(plan.to_stop(CANH, running)) == ["broker", "postgres"]


def test_a_service_that_waits_is_stopped_too() -> None:
    """Stopping in the middle of a back-off leaves nothing that could start later."""
    assert plan.to_stop([service("a")], {"a": State(Phase.WAITING)}) == ["a"]
    assert plan.to_stop([service("a")], {"a": State(Phase.STOPPED)}) == []
