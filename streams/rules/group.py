"""Asks the conditions of many rules at once: a table of events in, for each rule the rows that its machine must see.

Those are the rows where it holds, and all rows of keys that have a state or get one now. Rules of one metric and key
are one group: what no value of a batch can reach is not asked (see span.py), the rest in two Polars passes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
import polars as pl

from streams.rules.frame import Table
from streams.rules.plan import Plan
from streams.rules.rows import Numbers
from streams.rules.span import EVERYTHING, Span, around
from streams.rules.state import States

Groups = Mapping[str, Sequence["Group"]]

#: Rows whose keys are all shown to the machines rather than asked first which of them matter: to ask takes 50 us for
#: each rule however few rows there are, the machine 3 us for a row that means nothing to it.
FEW = 16


@dataclass(frozen=True, slots=True)
class Row:
    """What the conditions said of row `i`: for each level whether it holds, whether it clears, its threshold."""

    i: int
    at: datetime
    holds: tuple[bool, ...]
    clears: tuple[bool, ...]
    thresholds: tuple[float | None, ...]

    @property
    def order(self) -> tuple[datetime, list[bool]]:
        """Event time; of two at one time the one that holds more goes first, as it alone can still change anything."""
        return self.at, [not hold for hold in reversed(self.holds)]


class Seen(NamedTuple):
    """A rule, and the rows of `table` that it must see, in order of event time."""

    plan: Plan
    table: Table
    rows: list[Row]


class Group:
    """Rules over the same metric (None: any) and key; `bounded` ones each need values of a certain span."""

    def __init__(self, plans: Sequence[Plan]) -> None:
        self.plans = plans
        self.metric = plans[0].rule.metric
        self.key = plans[0].key
        self.bounded = plans[0].span != EVERYTHING
        self.reads = sorted(set().union(*(plan.reads for plan in plans)))

    def look(self, table: Table, states: States) -> Iterator[Seen]:
        """Give what each rule must see, for the rules that must see anything."""
        rows = table.rows_of_metric(self.metric)
        if not len(rows):
            return
        wanted = self._hit_keys(table, rows)
        for plan in self.plans:
            if live := states.live(plan.rule.id):
                wanted.setdefault(plan.rule.id, set()).update(live)
        if wanted and len(part := self._part(table, rows, set().union(*wanted.values()))):
            yield from self._told(part, wanted)

    def _hit_keys(self, table: Table, rows: Numbers) -> dict[str, set[str]]:
        """Give the keys of the rows where each rule holds, by rule; of few rows, those of the rows where it may."""
        plans = self.plans
        if self.bounded:
            values = table.series("value").to_numpy()[rows]
            here = Span(float(values.min()), float(values.max()))
            plans = [plan for plan in plans if plan.span.meets(here)]
            asked = around(plan.span for plan in plans)
            rows = rows[(values >= asked.low) & (values <= asked.high)]
        if not plans or not len(rows):
            return {}
        part = table.pick(rows) if len(rows) < len(table) else table
        hits = self._possible(plans, part) if len(rows) <= FEW else self._certain(plans, part)
        found: dict[str, set[str]] = {}
        for plan, i in hits:
            found.setdefault(plan.rule.id, set()).update(keys_of(plan, part, i))
        return found

    def _certain(self, plans: Sequence[Plan], part: Table) -> Iterator[tuple[Plan, int]]:
        """Give each rule with the rows where it holds."""
        hits = part.frame(self.reads).select(plan.hits.alias(plan.rule.id) for plan in plans).fill_null(value=False)
        which, rows = np.nonzero(hits.to_numpy().T)
        return zip((plans[n] for n in which.tolist()), rows.tolist(), strict=True)

    def _possible(self, plans: Sequence[Plan], part: Table) -> Iterator[tuple[Plan, int]]:
        """Give each rule with the rows where it may hold, by their values alone."""
        values = part.column("value") if self.bounded else None
        for plan in plans:
            for i in range(len(part)):
                if values is None or plan.span.low <= values[i] <= plan.span.high:
                    yield plan, i

    def _part(self, table: Table, rows: Numbers, keys: set[str]) -> Table:
        """Give all credible rows of these keys."""
        if self.key == "zone":
            known, zones = frozenset(keys), table.column("zone_ids")
            mine = np.array([not known.isdisjoint(zones[i]) for i in rows.tolist()], np.bool_)
        else:
            mine = table.among(self.key, keys, rows)
        return (table if len(table) == mine.sum() else table.pick(rows[mine])).credible()

    def _told(self, part: Table, wanted: Mapping[str, set[str]]) -> Iterator[Seen]:
        rows_of = part.rows_of(self.key)
        asked = []
        for plan in self.plans:
            keys = wanted.get(plan.rule.id, set())
            rows = sorted({i for key in keys & rows_of.keys() for i in rows_of[key]})
            asked += [(plan, rows)] if rows else []
        if not asked:
            return
        said = part.frame(self.reads).select("#", *(expr for plan, _ in asked for expr in plan.asked))
        for plan, rows in asked:
            yield Seen(plan, part, sorted(_rows(plan, part, said, rows), key=lambda row: row.order))


def groups(plans: Iterable[Plan]) -> Groups:
    """Put rules together that are asked together, by event type; rules of silence are no part of it."""
    found: dict[tuple[str, str | None, str, bool], list[Plan]] = {}
    for plan in plans:
        if not plan.rule.absent:
            name = (plan.rule.on, plan.rule.metric, plan.key, plan.span != EVERYTHING)
            found.setdefault(name, []).append(plan)
    kinds: dict[str, list[Group]] = {}
    for (kind, *_), together in found.items():
        kinds.setdefault(kind, []).append(Group(together))
    return kinds


def keys_of(plan: Plan, table: Table, i: int) -> list[str]:
    """Give the keys that an event speaks of: one or none, or every zone that holds it and that the rule asks for."""
    if plan.key != "zone":
        key = table.column(plan.key)[i]
        return [] if key is None else [str(key)]
    asked, held = plan.rule.zone, table.column("zone_ids")[i]
    if asked is None or asked.relation == "outside":
        return list(held)
    return [zone for zone in held if zone in asked.ids or zone.partition(":")[0] in asked.kinds]


def _rows(plan: Plan, part: Table, said: pl.DataFrame, rows: Sequence[int]) -> Iterator[Row]:
    columns = [said.get_column(name).to_list() for name in plan.names]
    scope = columns.pop(0) if plan.has_scope else None
    times, n = part.column("observed_at"), len(plan.holds)
    for i in rows:
        if scope is None or scope[i]:
            told = [column[i] for column in columns]
            holds = tuple(bool(hold) for hold in told[:n])
            clears = told[n : 2 * n] if plan.has_clear else [not hold for hold in holds]
            thresholds = tuple(told[-n:]) if plan.thresholds is None else plan.thresholds
            yield Row(i, times[i], holds, tuple(bool(clear) for clear in clears), thresholds)
