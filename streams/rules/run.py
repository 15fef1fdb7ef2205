"""One step of the engine: takes tables of events to the state machines and remembers what it touched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from schemas.events import Observation, Signal
from streams.rules import absence, hours, machine, silence
from streams.rules.frame import Lookups, Table
from streams.rules.group import Groups, Row, keys_of
from streams.rules.machine import Turn, Word
from streams.rules.plan import Plan
from streams.rules.signals import signal_of
from streams.rules.silence import Heard, Steady
from streams.rules.state import (
    AbsentState,
    AnyState,
    Calm,
    HoursState,
    Kept,
    KeyState,
    LevelState,
    Sight,
    StateKey,
    States,
    copy,
)

_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)


class Run:
    """Collects `signals`, `derived` observations, the count of `late` events, and each touched state as it was."""

    def __init__(self, plans: Mapping[str, Plan], lookups: Lookups, states: States) -> None:
        self.plans = plans
        self.lookups = lookups
        self.states = states
        self.signals: list[Signal] = []
        self.late = 0
        self.derived: list[Observation] = []
        self.before: dict[StateKey, Kept | None] = {}

    def take(self, table: Table, groups: Groups, watches: Iterable[Plan]) -> None:
        """Run rules over a table: those in groups, and those that watch for silence."""
        if not len(table):
            return
        for group in groups.get(table.kind, ()):
            for plan, part, rows in group.look(table, self.states):
                for row in rows:
                    for key in keys_of(plan, part, row.i):
                        self._see_key(plan, key, part, row)
        for plan in watches:
            if plan.rule.on == table.kind:
                self._hear(plan, table)

    def advance(self, now: datetime) -> None:
        """Let deadlines pass, and forget what is long gone."""
        for rule, plan in self.plans.items():
            for key in sorted(self.states.overdue(rule, now) if plan.rule.absent else self.states.live(rule)):
                current = self.states.get(rule, key)
                if current is not None and _due(plan, current, now):
                    touched = self._touch(rule, key, current)
                    self._settle(plan, key, touched, _pass_time(plan, touched, now))
        for rule, key in self.states.stale(now):
            self.before.setdefault((rule, key), self.states.get(rule, key))
            self.states.put(rule, key, None)

    def derive(self, table: Table) -> list[Observation]:
        """Compute the derived metrics that rules ask for."""
        for name in sorted({plan.rule.derive for plan in self.plans.values() if plan.rule.derive}):
            self._derive(hours.DERIVATIONS[name], table)
        return self.derived

    def _derive(self, derivation: hours.Derivation, table: Table) -> None:
        asked = table.series("metric").is_in(list(derivation.inputs))
        if asked.any():
            part = table.pick(asked.arg_true().to_numpy()).credible()
            times = part.column("observed_at")
            for i in sorted(range(len(part)), key=times.__getitem__):
                self._derive_row(derivation, part, i)

    def _derive_row(self, derivation: hours.Derivation, table: Table, i: int) -> None:
        device = str(table.column("device")[i])
        touched = self._touch(derivation.rule, device, self.states.get(derivation.rule, device))
        if not isinstance(touched, HoursState):
            touched = HoursState(last_at=_BEGINNING)
        self.states.put(derivation.rule, device, touched)
        values = hours.take(derivation, touched, table, i)
        if values is None:
            self.late += 1
        else:
            self.derived += values

    def _see_key(self, plan: Plan, key: str, table: Table, row: Row) -> None:
        current = self.states.get(plan.rule.id, key)
        known = current if isinstance(current, KeyState) else None
        if known is not None and machine.is_late(known, row.at):
            self.late += 1
            return
        if (known is None or known.idle) and not any(row.holds):
            return
        touched = self._touch(plan.rule.id, key, known)
        if not isinstance(touched, KeyState):
            touched = KeyState(last_at=_BEGINNING)
        n = len(plan.holds)
        touched.levels = [*touched.levels, *(LevelState() for _ in range(n - len(touched.levels)))][:n]
        sight = _sight(plan, table, row.i, row.thresholds, key, event=table.event_id(row.i))
        word = Word(row.at, row.holds, row.clears, sight)
        self._settle(plan, key, touched, machine.see(plan.timing, touched, word))

    def _hear(self, plan: Plan, table: Table) -> None:
        """Take the events that are news of a key to the machine of silence: all others change nothing."""
        part, news, steady = silence.news(plan, table, self.states)
        for heard in news:
            self._hear_one(plan, heard, _last_sight(plan, part, heard))
        self._go_on(plan, part, steady)

    def _go_on(self, plan: Plan, part: Table, steady: Steady) -> None:
        """Move the states of keys on that were never silent for long: nearly all, so all at once."""
        rule, kept = plan.rule.id, self.states.of(plan.rule.id)
        for key in steady.keys:
            self.before.setdefault((rule, key), kept.get(key))
        calm = Calm(steady.at, steady.deadline, lambda number: _last_sight(plan, part, steady.heard(number)))
        self.states.put_calm(rule, steady.keys, calm)

    def _hear_one(self, plan: Plan, heard: Heard, sight: Sight) -> None:
        current = self.states.get(plan.rule.id, heard.key)
        if not absence.is_news(current, heard.at, heard.timeout):
            return
        touched = self._touch(plan.rule.id, heard.key, current)
        if not isinstance(touched, AbsentState):
            touched = AbsentState(_BEGINNING, absence.deadline_after(heard.at, heard.timeout), sight)
        turns = absence.hear(touched, heard.at, heard.timeout, sight, plan.timing.severities[0])
        self._settle(plan, heard.key, touched, turns)

    def _touch(self, rule: str, key: str, current: AnyState | None) -> AnyState | None:
        """Give a state that may be changed: a copy on the first touch of this step."""
        if (rule, key) in self.before:
            return current
        self.before[rule, key] = current
        return None if current is None else copy(current)

    def _settle(self, plan: Plan, key: str, touched: AnyState | None, turns: list[Turn]) -> None:
        self.states.put(plan.rule.id, key, touched)
        self.signals += [signal_of(plan, key, turn, self.lookups) for turn in turns]


def _due(plan: Plan, current: AnyState, now: datetime) -> bool:
    if isinstance(current, AbsentState):
        return current.started_at is None and current.deadline <= now
    if isinstance(current, KeyState):
        at = machine.next_deadline(plan.timing, current)
        return at is not None and at <= now
    return False


def _pass_time(plan: Plan, current: AnyState | None, now: datetime) -> list[Turn]:
    if isinstance(current, AbsentState):
        return absence.pass_time(current, now, plan.timing.severities[0])
    if isinstance(current, KeyState):
        return machine.pass_time(plan.timing, current, now)
    return []


def _sight(plan: Plan, table: Table, i: int, thresholds: tuple[float | None, ...], key: str, *, event: str) -> Sight:
    lon, lat, commune = table.places[i]
    device, metric = table.senders[i]
    zone = key if plan.key == "zone" else None
    value = table.number(plan.rule.value_column, i)
    return Sight(event, lon, lat, commune, zone, device or None, metric, value, thresholds, table.simulated[i])


def _last_sight(plan: Plan, part: Table, heard: Heard) -> Sight:
    """Give what is told of a key if it falls silent now; the id of a plain observation follows from it."""
    follows = part.kind == "observation" and part.column("observed_at")[heard.i] == heard.at
    event = "" if follows else part.event_id(heard.i)
    return _sight(plan, part, heard.i, (heard.timeout.total_seconds() / 60,), heard.key, event=event)
