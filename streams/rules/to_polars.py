"""Compiles a checked condition to a Polars expression, for the live path."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from operator import and_, or_
from typing import Any

import polars as pl

from streams.rules.columns import Type
from streams.rules.expression import ARITHMETIC, HUGE, LOWER, TINY, UPPER, Expr

#: What a type of the condition language is in a frame.
DTYPES: Mapping[Type, Any] = {Type.NUMBER: pl.Float64, Type.TEXT: pl.String, Type.BOOL: pl.Boolean}


def to_polars(expr: Expr, columns: Mapping[str, pl.Expr]) -> pl.Expr:
    """Give the expression; `columns` replaces column names."""
    return _Compiler(columns).compile(expr, inside=False)


class _Compiler:
    def __init__(self, columns: Mapping[str, pl.Expr]) -> None:
        self.columns = columns

    def compile(self, expr: Expr, *, inside: bool) -> pl.Expr:
        """Give one node; `inside` is true under arithmetic, where numbers are bounded."""
        if expr.op == "column":
            return self._column(expr, inside=inside)
        if expr.op == "literal":
            return pl.lit(expr.value, dtype=DTYPES[expr.type])
        if expr.op in {"in_zone", "in_commune"}:
            return self._place(expr)
        args = [self.compile(arg, inside=inside or expr.op in ARITHMETIC) for arg in expr.args]
        if expr.op in {"in", "like", "round"}:
            return _WITH_VALUE[expr.op](args[0], expr)
        return _OPERATORS[expr.op](args)

    def _named(self, name: str) -> pl.Expr:
        return self.columns.get(name, pl.col(name))

    def _column(self, expr: Expr, *, inside: bool) -> pl.Expr:
        column = self._named(str(expr.value))
        if not inside or expr.type is not Type.NUMBER:
            return column
        size = column.abs()
        return pl.when(size > HUGE).then(None).when(size < TINY).then(0.0).otherwise(column)

    def _place(self, expr: Expr) -> pl.Expr:
        asked = self.compile(expr.args[0], inside=False)
        if expr.op == "in_commune":
            return self._named("commune") == asked
        held = self._named("zone_ids").list.contains(asked).fill_null(value=False)
        return pl.when(asked.is_null()).then(None).otherwise(held)


def _divide(args: list[pl.Expr]) -> pl.Expr:
    above, below = args
    return pl.when(below == 0).then(None).otherwise(above / below)


def _round(arg: pl.Expr, expr: Expr) -> pl.Expr:
    scale = 10.0 ** float(expr.value) if isinstance(expr.value, float) else 1.0
    if scale == 1.0:
        return arg.round(0, mode="half_to_even")
    return (arg * scale).round(0, mode="half_to_even") / scale


def _like(arg: pl.Expr, expr: Expr) -> pl.Expr:
    pattern, escaped = "", False
    for char in str(expr.value):
        if escaped or char not in "%_\\":
            pattern += pl.escape_regex(char)
            escaped = False
        elif char == "\\":
            escaped = True
        else:
            pattern += ".*" if char == "%" else "."
    return arg.str.contains(rf"(?s)\A{pattern}\z")


def _in(arg: pl.Expr, expr: Expr) -> pl.Expr:
    values = expr.value if isinstance(expr.value, tuple) else ()
    found = arg.is_in(pl.Series(values, dtype=DTYPES[expr.args[0].type]).implode(), nulls_equal=False)
    # is_in of a constant is a column of one row, which Polars does not stretch; its first value it does
    return found if any(node.op == "column" for node in expr.walk()) else found.first()


_WITH_VALUE: Mapping[str, Callable[[pl.Expr, Expr], pl.Expr]] = {"in": _in, "like": _like, "round": _round}
_OPERATORS: Mapping[str, Callable[[list[pl.Expr]], pl.Expr]] = {
    "and": lambda args: reduce(and_, args),
    "or": lambda args: reduce(or_, args),
    "not": lambda args: ~args[0],
    "=": lambda args: args[0] == args[1],
    "<>": lambda args: args[0] != args[1],
    "<": lambda args: args[0] < args[1],
    "<=": lambda args: args[0] <= args[1],
    ">": lambda args: args[0] > args[1],
    ">=": lambda args: args[0] >= args[1],
    "+": lambda args: args[0] + args[1],
    "-": lambda args: args[0] - args[1],
    "*": lambda args: args[0] * args[1],
    "/": _divide,
    "neg": lambda args: -args[0],
    "abs": lambda args: args[0].abs(),
    "is_null": lambda args: args[0].is_null(),
    "coalesce": pl.coalesce,
    "greatest": pl.max_horizontal,
    "least": pl.min_horizontal,
    "lower": lambda args: args[0].str.replace_many(list(UPPER), list(LOWER)),
}
