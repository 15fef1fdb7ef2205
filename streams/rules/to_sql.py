"""Compiles a checked condition to PostgreSQL text, for history (G7); needs no extension and no own function."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from streams.rules.columns import Type
from streams.rules.expression import ARITHMETIC, HUGE, LOWER, TINY, UPPER, Expr

_CASTS = {Type.NUMBER: "float8", Type.TEXT: "text", Type.BOOL: "boolean"}


def to_sql(expr: Expr, columns: Mapping[str, str]) -> str:
    """Give the SQL text; `columns` replaces column names."""
    return _Compiler(columns).compile(expr, inside=False)


def quote(text: str) -> str:
    """Give a string constant (standard_conforming_strings is on: only the quote itself is doubled)."""
    return "'" + text.replace("'", "''") + "'"


def literal(value: object, kind: Type) -> str:
    """Give a constant with its type."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if value is None:
        return f"NULL::{_CASTS[kind]}"
    written = quote(value) if isinstance(value, str) else f"'{value!r}'"
    return f"{written}::{_CASTS[kind]}"


class _Compiler:
    def __init__(self, columns: Mapping[str, str]) -> None:
        self.columns = columns

    def compile(self, expr: Expr, *, inside: bool) -> str:
        if expr.op == "column":
            return self._column(expr, inside=inside)
        if expr.op == "literal" and not isinstance(expr.value, tuple):
            return literal(expr.value, expr.type)
        if expr.op in {"in_zone", "in_commune"}:
            return self._place(expr)
        args = [self.compile(arg, inside=inside or expr.op in ARITHMETIC) for arg in expr.args]
        if expr.op in _COMPARISONS:
            return _compare(expr, args)
        if expr.op in {"in", "like", "round"}:
            return _WITH_VALUE[expr.op](args[0], expr)
        return _OPERATORS[expr.op](args)

    def _named(self, name: str) -> str:
        return self.columns.get(name, f'"{name}"')

    def _column(self, expr: Expr, *, inside: bool) -> str:
        name = self._named(str(expr.value))
        if not inside or expr.type is not Type.NUMBER:
            return name
        return f"(CASE WHEN abs({name}) > {HUGE!r} THEN NULL WHEN abs({name}) < {TINY!r} THEN 0 ELSE {name} END)"

    def _place(self, expr: Expr) -> str:
        asked = self.compile(expr.args[0], inside=False)
        if expr.op == "in_commune":
            return f'({self._named("commune")} COLLATE "C" = {asked} COLLATE "C")'
        held = f"COALESCE({asked} = ANY({self._named('zone_ids')}), FALSE)"
        return held if expr.args[0].op == "literal" else f"(CASE WHEN {asked} IS NOT NULL THEN {held} END)"


def _compare(expr: Expr, args: list[str]) -> str:
    collate = ' COLLATE "C"' if expr.args[0].type is Type.TEXT else ""
    return f"({args[0]}{collate} {expr.op} {args[1]}{collate})"


def _in(arg: str, expr: Expr) -> str:
    kind = expr.args[0].type
    values = expr.value if isinstance(expr.value, tuple) else ()
    collate = ' COLLATE "C"' if kind is Type.TEXT else ""
    return f"({arg}{collate} IN ({', '.join(literal(value, kind) for value in values)}))"


def _like(arg: str, expr: Expr) -> str:
    return f'({arg} COLLATE "C" LIKE {quote(str(expr.value))})'


def _round(arg: str, expr: Expr) -> str:
    scale = 10.0 ** float(expr.value) if isinstance(expr.value, float) else 1.0
    return f"round({arg})" if scale == 1.0 else f"(round({arg} * {scale!r}::float8) / {scale!r}::float8)"


_COMPARISONS = frozenset({"=", "<>", "<", "<=", ">", ">="})
_WITH_VALUE: Mapping[str, Callable[[str, Expr], str]] = {"in": _in, "like": _like, "round": _round}
_OPERATORS: Mapping[str, Callable[[list[str]], str]] = {
    "and": lambda args: "(" + " AND ".join(args) + ")",
    "or": lambda args: "(" + " OR ".join(args) + ")",
    "not": lambda args: f"(NOT {args[0]})",
    "+": lambda args: f"({args[0]} + {args[1]})",
    "-": lambda args: f"({args[0]} - {args[1]})",
    "*": lambda args: f"({args[0]} * {args[1]})",
    "/": lambda args: f"({args[0]} / NULLIF({args[1]}, 0))",
    "neg": lambda args: f"(- {args[0]})",
    "abs": lambda args: f"abs({args[0]})",
    "is_null": lambda args: f"({args[0]} IS NULL)",
    "coalesce": lambda args: f"COALESCE({', '.join(args)})",
    "greatest": lambda args: f"GREATEST({', '.join(args)})",
    "least": lambda args: f"LEAST({', '.join(args)})",
    "lower": lambda args: f"translate({args[0]}, '{UPPER}', '{LOWER}')",
}
