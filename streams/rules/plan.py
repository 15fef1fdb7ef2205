"""Compiles one rule: its conditions as Polars expressions and as SQL, its durations as a timing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import reduce
from operator import and_, or_

import polars as pl

from schemas.errors import RuleError
from streams.rules.columns import Type
from streams.rules.condition import Condition
from streams.rules.duration import duration
from streams.rules.machine import Timing
from streams.rules.rule import Level, Rule, ZoneFilter
from streams.rules.span import EVERYTHING, Span, around, span_of, within
from streams.rules.to_sql import literal, quote

_NEVER = pl.lit(value=False)
#: TRUE once for each row. Polars may give one value for an expression whose branches are all constants; `x AND TRUE`
#: is x, and as long as the frame.
_EACH_ROW = pl.col("#").is_not_null()


class Plan:
    """A rule that is ready to run. Raises RuleError when one of its conditions is refused."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.key = rule.key_column
        self._only = self._condition("only", rule.only)
        self._where = self._condition("where", rule.where)
        self._clear = self._condition("clear", rule.clear)
        self._levels = [self._condition(f"levels[{i}].where", level.where) for i, level in enumerate(rule.ladder)]
        self.timing = Timing(
            severities=tuple(level.severity for level in rule.ladder),
            holds=tuple(duration(level.for_ or rule.for_ or "0s") for level in rule.ladder),
            clear_for=rule.cleared_after,
            gap=duration(rule.gap) if rule.gap else None,
        )
        self.settle = duration(rule.settle)
        self.absent = duration(rule.absent) if rule.absent and rule.cadences is None else None
        self.reads = self._reads()
        self.scope = self._scope()
        self.holds = [self._hold(i) for i in range(len(rule.ladder))]
        #: TRUE for the rows where any level holds (a rule of silence: that it hears); NULL is no.
        self.hits = self.scope if rule.absent else self.scope & reduce(or_, self.holds)
        #: Whether not every row of the rule's metric that has a key is in its scope.
        self.has_scope = bool(rule.zone or self._only)
        self.span = self._span()
        self.has_clear = self._clear is not None
        #: The threshold of each level where they are the same for all keys, else None: they are asked, then.
        self.thresholds = self._constants()
        self.asked = self._asked()
        self.names = [expr.meta.output_name() for expr in self.asked]

    def timeout(self, cadence_s: float | None) -> timedelta | None:
        """Give how long a key may be silent (None: for ever, as its source has no cadence)."""
        multiple = self.rule.cadences
        if multiple is None:
            return self.absent
        return timedelta(seconds=multiple * cadence_s) if cadence_s else None

    def sql(self, columns: Mapping[str, str] | None = None) -> str:
        """Give PostgreSQL text that is TRUE for the rows where any level holds (the same rows as live).

        `columns` names the table's columns where they differ; numbers must be double precision.
        """
        names = {**(columns or {}), **self._threshold_sql(columns or {})}
        parts = [condition.sql(names) for condition in (self._only, self._where) if condition]
        if self.key != "zone":
            parts.append(f"({_name(self.key, names)} IS NOT NULL)")
        if self.rule.metric is not None:
            parts.append(f"({_name('metric', names)} = {quote(self.rule.metric)})")
        if self.rule.zone:
            parts.append(_zone_sql(self.rule.zone, names))
        levels = [self._level_sql(i, names) for i in range(len(self._levels))]
        return " AND ".join([*parts, "(" + " OR ".join(levels) + ")"])

    def _level_sql(self, i: int, names: Mapping[str, str]) -> str:
        condition, threshold = self._levels[i], self.rule.ladder[i].threshold
        if condition is None:
            return "TRUE"
        number = names[threshold] if isinstance(threshold, str) else literal(threshold, Type.NUMBER)
        return condition.sql({**names, "threshold": number})

    def _threshold_sql(self, names: Mapping[str, str]) -> dict[str, str]:
        key = _name(self.key, names)
        found = {}
        for name in self.rule.threshold_columns:
            rows = [(who, row.get(name)) for who, row in sorted(self.rule.thresholds.items())]
            cases = " ".join(f"WHEN {quote(who)} THEN {literal(number, Type.NUMBER)}" for who, number in rows)
            found[name] = f"(CASE {key} {cases} END)"
        return found

    def _condition(self, field: str, text: str | None) -> Condition | None:
        if text is None:
            return None
        try:
            return Condition(text, self.rule.columns)
        except RuleError as error:
            raise RuleError(f"{self.rule.id}: {field}:{error}") from error

    def _reads(self) -> frozenset[str]:
        conditions = [self._only, self._where, self._clear, *self._levels]
        names = {name for condition in conditions if condition for name in condition.reads}
        names |= {self.key} if self.key != "zone" else set()
        names |= {"metric"} if self.rule.metric else set()
        names |= {"zone_ids", "lon"} if self.rule.zone else set()
        return frozenset(names - set(self.rule.threshold_columns) - {"threshold"})

    def _scope(self) -> pl.Expr:
        parts = [_EACH_ROW, *([pl.col(self.key).is_not_null()] if self.key != "zone" else [])]
        if self.rule.metric:
            parts.append(pl.col("metric") == self.rule.metric)
        if self.rule.zone:
            parts.append(_zone_expr(self.rule.zone))
        if self._only:
            parts.append(self._only.polars(self._columns()))
        return reduce(and_, parts)

    def _columns(self, level: Level | None = None) -> dict[str, pl.Expr]:
        table = self.rule.thresholds
        columns = {name: self._threshold_column(name) for name in self.rule.threshold_columns}
        if level is not None and table and isinstance(level.threshold, str):
            return {**columns, "threshold": columns[level.threshold]}
        number = level.threshold if level is not None and not isinstance(level.threshold, str) else None
        return {**columns, "threshold": pl.lit(number, dtype=pl.Float64)}

    def _threshold_column(self, name: str) -> pl.Expr:
        keys = sorted(self.rule.thresholds)
        numbers = [self.rule.thresholds[key].get(name) for key in keys]
        return pl.col(self.key).replace_strict(keys, numbers, default=None, return_dtype=pl.Float64)

    def _hold(self, i: int) -> pl.Expr:
        level = self.rule.ladder[i]
        conditions = [condition for condition in (self._where, self._levels[i]) if condition]
        if not conditions:
            return _NEVER
        columns = self._columns(level)
        return reduce(and_, [each.polars(columns) for each in conditions])

    def _asked(self) -> list[pl.Expr]:
        """Give all that the machine must know of a row: scope, then for each level holds, clears and threshold.

        NULL is no yes to any of them. Scope is left out where it is every row, clears where it is the contrary of
        holds, thresholds where they are constants.
        """
        found = {"scope": self.scope} if self.has_scope else {}
        found |= {f"holds{i}": _EACH_ROW & expr for i, expr in enumerate(self.holds)}
        if self._clear is not None:
            clears = [self._clear.polars(self._columns(level)) for level in self.rule.ladder]
            found |= {f"clears{i}": _EACH_ROW & expr for i, expr in enumerate(clears)}
        if self.thresholds is None:
            found |= {f"threshold{i}": self._columns(level)["threshold"] for i, level in enumerate(self.rule.ladder)}
        return [expr.alias(f"{self.rule.id} {name}") for name, expr in found.items()]

    def _constants(self) -> tuple[float | None, ...] | None:
        found = [level.threshold for level in self.rule.ladder]
        return None if any(isinstance(each, str) for each in found) else tuple(found)  # type: ignore[arg-type]

    def _span(self) -> Span:
        """Give between which values an observation's value must lie where this rule can hold."""
        if self.rule.on != "observation":
            return EVERYTHING
        known = {
            name: _hull(row.get(name) for row in self.rule.thresholds.values()) for name in self.rule.threshold_columns
        }
        levels = []
        for level, condition in zip(self.rule.ladder, self._levels, strict=True):
            limit = known[level.threshold] if isinstance(level.threshold, str) else _hull([level.threshold])
            levels.append(_span(condition, {**known, "threshold": limit}))
        return within([_span(self._only, known), _span(self._where, known), around(levels)])


def _hull(numbers: Iterable[float | None]) -> Span:
    return around(Span(number, number) for number in numbers if number is not None)


def _span(condition: Condition | None, known: Mapping[str, Span]) -> Span:
    return EVERYTHING if condition is None else span_of(condition.tree, "value", known)


def _zone_expr(zone: ZoneFilter) -> pl.Expr:
    held = pl.col("zone_ids")
    parts = [held.list.contains(zone_id) for zone_id in zone.ids]
    parts += [held.list.eval(pl.element().str.starts_with(f"{kind}:")).list.any() for kind in zone.kinds]
    inside = reduce(or_, parts, _NEVER)
    return inside if zone.relation == "inside" else ~inside & pl.col("lon").is_not_null()


def _zone_sql(zone: ZoneFilter, names: Mapping[str, str]) -> str:
    held = _name("zone_ids", names)
    parts = [f"{quote(zone_id)} = ANY({held})" for zone_id in zone.ids]
    parts += [
        f"EXISTS (SELECT 1 FROM unnest({held}) AS held(id) WHERE starts_with(held.id, {quote(kind + ':')}))"  # noqa: S608 (quoted)
        for kind in zone.kinds
    ]
    inside = "(" + " OR ".join(parts or ["FALSE"]) + ")"
    return inside if zone.relation == "inside" else f"(NOT {inside} AND {_name('lon', names)} IS NOT NULL)"


def _name(column: str, names: Mapping[str, str]) -> str:
    return names.get(column, f'"{column}"')
