from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import polars as pl
from hypothesis import assume, given, settings

from schemas.errors import RuleError
from streams.rules.columns import COLUMNS, Type
from streams.rules.condition import Condition
from streams.rules.expression import ARITHMETIC, HUGE, LOWER, TINY, UPPER, Expr
from tests.property.streams.rules.strategies import BOOLS, NUMBERS, TEXTS, conditions, rows

SCHEMA: dict[str, Any] = {
    **dict.fromkeys(NUMBERS, pl.Float64),
    **dict.fromkeys(TEXTS, pl.String),
    **dict.fromkeys(BOOLS, pl.Boolean),
    "zone_ids": pl.List(pl.String),
}
LOWERED = str.maketrans(UPPER, LOWER)


@settings(max_examples=400, deadline=None)
@given(text=conditions(), table=rows())
def test_polars_agrees_with_the_reference(text: str, table: list[dict[str, Any]]) -> None:
    """Polars gives TRUE, FALSE or NULL exactly where a plain interpreter of the language does."""
    try:
        condition = Condition(text, COLUMNS["detection"])
    except RuleError:
        assume(False)
    frame = pl.DataFrame(table, schema=SCHEMA).with_row_index("#")
    got = frame.select("#", (pl.col("#").is_not_null() & condition.polars()).alias("x")).get_column("x").to_list()
    assert got == [evaluate(condition.tree, row) for row in table]


def evaluate(expr: Expr, row: dict[str, Any], *, inside: bool = False) -> Any:
    """Interpret a checked condition for one row, the slow and plain way."""
    if expr.op == "literal":
        return expr.value
    if expr.op == "column":
        value = row.get(str(expr.value))
        return bounded(value) if inside and expr.type is Type.NUMBER else value
    args = [evaluate(arg, row, inside=inside or expr.op in ARITHMETIC) for arg in expr.args]
    if expr.op in WITH_NULL:
        return WITH_NULL[expr.op](args)
    if None in args:
        return None
    if expr.op in {"in_zone", "in_commune"}:
        return args[0] in row["zone_ids"] if expr.op == "in_zone" else equal(row["commune"], args[0])
    return STRICT[expr.op](args, expr.value)


def decide(args: list[Any], *, by: bool) -> bool | None:
    """Interpret AND (decided by FALSE) and OR (decided by TRUE)."""
    if by in args:
        return by
    return None if None in args else not by


def equal(left: str | None, right: str) -> bool | None:
    """Interpret equality with something that may be NULL."""
    return None if left is None else left == right


def known(args: list[Any]) -> list[Any]:
    """Leave NULL out."""
    return [arg for arg in args if arg is not None]


def rounded(value: float, digits: Any) -> float:
    """Interpret ROUND: half to even."""
    scale = 10.0 ** float(digits)
    half_even: float = round(value * scale) / scale
    return half_even


def like(pattern: str, text: str) -> bool:
    """Interpret LIKE by a backslash-aware translation to Python's own expressions."""
    parts = re.findall(r"\\.|.", pattern, re.DOTALL)
    translated = "".join({"%": ".*", "_": "."}.get(part, re.escape(part[-1])) for part in parts)
    return re.fullmatch(translated, text, re.DOTALL) is not None


def bounded(value: float | None) -> float | None:
    """Bound a number as arithmetic does."""
    if value is None or abs(value) > HUGE:
        return None
    return 0.0 if abs(value) < TINY else value


#: Operators that may give something for NULL, and those that are NULL for any NULL (of arguments and the constant).
WITH_NULL: dict[str, Callable[[list[Any]], Any]] = {
    "and": lambda args: decide(args, by=False),
    "or": lambda args: decide(args, by=True),
    "is_null": lambda args: args[0] is None,
    "coalesce": lambda args: next(iter(known(args)), None),
    "greatest": lambda args: max(known(args), default=None),
    "least": lambda args: min(known(args), default=None),
}
STRICT: dict[str, Callable[[list[Any], Any], Any]] = {
    "=": lambda args, _: args[0] == args[1],
    "<>": lambda args, _: args[0] != args[1],
    "<": lambda args, _: args[0] < args[1],
    "<=": lambda args, _: args[0] <= args[1],
    ">": lambda args, _: args[0] > args[1],
    ">=": lambda args, _: args[0] >= args[1],
    "+": lambda args, _: args[0] + args[1],
    "-": lambda args, _: args[0] - args[1],
    "*": lambda args, _: args[0] * args[1],
    "/": lambda args, _: None if args[1] == 0 else args[0] / args[1],
    "neg": lambda args, _: -args[0],
    "abs": lambda args, _: abs(args[0]),
    "not": lambda args, _: not args[0],
    "round": lambda args, digits: rounded(args[0], digits),
    "lower": lambda args, _: args[0].translate(LOWERED),
    "in": lambda args, values: args[0] in values,
    "like": lambda args, pattern: like(pattern, args[0]),
}
