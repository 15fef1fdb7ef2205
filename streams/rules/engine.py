"""Runs all rules over a micro-batch: events and states in, signals and changed states out. No clock, no I/O.

Conditions run in few Polars passes over the batch; the state machines then see, in order of event time, only rows where
a condition holds or whose key has a state.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from schemas.errors import RuleError
from schemas.events import Observation, ObservationBatch, PriorityEvent, Signal
from streams.rules.frame import NO_LOOKUPS, Lookups, Table
from streams.rules.group import groups
from streams.rules.plan import Plan
from streams.rules.rule import Rule
from streams.rules.run import Run
from streams.rules.state import Kept, StateKey, States, made

Batch = ObservationBatch | Sequence[PriorityEvent]


@dataclass(slots=True)
class Outcome:
    """What a step did.

    `signals` in order of event time; `derived` the observations that rules computed (they can be stored); `late` counts
    events that came after something newer of their key had counted; `before` has each state that was touched as it was
    before, for `States.undo`; `after` are the states as they are now.
    """

    after: States
    signals: list[Signal] = field(default_factory=list)
    derived: list[Observation] = field(default_factory=list)
    late: int = 0
    before: dict[StateKey, Kept | None] = field(default_factory=dict)

    @property
    def changed(self) -> dict[StateKey, bytes | None]:
        """Give the states that are no longer what they were, as bytes to write with the offset (None: delete)."""
        return self.after.encoded(key for key, kept in self.before.items() if made(kept) != self.after.get(*key))


class _Chosen:
    """Some of the rules: those asked together as groups, those that watch for silence apart."""

    def __init__(self, plans: Sequence[Plan]) -> None:
        self.groups = groups(plans)
        self.watches = [plan for plan in plans if plan.rule.absent]
        self.kinds = frozenset(plan.rule.on for plan in plans)


class Engine:
    """All active rules, compiled. Make a new one when rules change (`knowing` for the registry); states stay valid.

    Raises RuleError when a rule cannot be used or when two rules have one id.
    """

    def __init__(self, rules: Iterable[Rule], lookups: Lookups = NO_LOOKUPS) -> None:
        self.plans: dict[str, Plan] = {}
        self.lookups = lookups
        for rule in rules:
            if rule.id in self.plans:
                raise RuleError(f"{rule.id}: two rules have this id")
            if rule.status == "active":
                self.plans[rule.id] = Plan(rule)
        plans = [*self.plans.values()]
        self._all = _Chosen(plans)
        self._hurried = _Chosen([plan for plan in plans if not plan.settle])
        self._waiting = _Chosen([plan for plan in plans if plan.settle])

    def knowing(self, lookups: Lookups) -> Engine:
        """Give the same rules, compiled once, with a newer view of the registry."""
        twin = copy(self)
        twin.lookups = lookups
        return twin

    @property
    def settle(self) -> timedelta:
        """The longest `settle` of the rules: so long events wait before `settled` takes them."""
        return max((plan.settle for plan in self.plans.values()), default=timedelta())

    def step(self, batch: Batch, states: States) -> Outcome:
        """Take one micro-batch to all rules; `states` is changed in place."""
        return self._take(batch, states, self._all, derive=True)

    def at_once(self, batch: Batch, states: States) -> Outcome:
        """Take one micro-batch, as it came, to the rules whose `settle` is 0."""
        return self._take(batch, states, self._hurried, derive=False)

    def settled(self, batch: Batch, states: States) -> Outcome:
        """Take events that have waited to all other rules, and what is derived from them to all rules."""
        return self._take(batch, states, self._waiting, derive=True)

    def _take(self, batch: Batch, states: States, chosen: _Chosen, *, derive: bool) -> Outcome:
        run = Run(self.plans, self.lookups, states)
        if isinstance(batch, ObservationBatch):
            table = Table.of_batch(batch, self.lookups)
            run.take(table, chosen.groups, chosen.watches)
            if derive and (derived := run.derive(table)):
                table = Table.of_batch(ObservationBatch.of(derived), self.lookups)
                run.take(table, self._all.groups, self._all.watches)
        else:
            for kind, events in _by_kind(batch).items():
                if kind in chosen.kinds:
                    run.take(Table.of_events(kind, events, self.lookups), chosen.groups, chosen.watches)
        return _outcome(run, states)

    def advance(self, states: States, now: datetime) -> Outcome:
        """Let time pass up to `now`: deadlines of `for`, `gap`, `clear_for` and `absent`, each at its own time.

        `now` is a watermark of event time, or the wall clock less the lateness that events may have. Keys that nobody
        spoke of for `FORGET_AFTER` are forgotten here.
        """
        run = Run(self.plans, self.lookups, states)
        run.advance(now)
        return _outcome(run, states)


def _outcome(run: Run, states: States) -> Outcome:
    signals = sorted(run.signals, key=lambda signal: signal.observed_at)
    return Outcome(states, signals, run.derived, run.late, run.before)


def _by_kind(events: Sequence[PriorityEvent]) -> dict[str, list[PriorityEvent]]:
    kinds: dict[str, list[PriorityEvent]] = {}
    for event in events:
        kinds.setdefault(type(event).__name__.lower(), []).append(event)
    return kinds
