"""Tells from a condition alone between which values a column must lie for it to be true: most rules need no more.

A rule that waits for 30 cm of water asks nothing of a batch whose deepest reading is 2 cm.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from streams.rules.expression import Expr


class Span(NamedTuple):
    """All values from `low` to `high`, both included; none when `low` is above `high`."""

    low: float
    high: float

    def meets(self, other: Span) -> bool:
        """Say whether some value lies in both."""
        return max(self.low, other.low) <= min(self.high, other.high)


EVERYTHING = Span(-math.inf, math.inf)
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}


def around(spans: Iterable[Span]) -> Span:
    """Give the least span that holds all of these; an empty one when there are none."""
    found = list(spans)
    low = min((span.low for span in found), default=math.inf)
    return Span(low, max((span.high for span in found), default=-math.inf))


def within(spans: Iterable[Span]) -> Span:
    """Give what all of these have in common."""
    found = [EVERYTHING, *spans]
    return Span(max(span.low for span in found), min(span.high for span in found))


def span_of(expr: Expr, column: str, known: Mapping[str, Span]) -> Span:
    """Give a span that holds the column's value wherever the condition is TRUE.

    `known` says between which values other columns lie; what is not understood may be anything.
    """
    if expr.op == "and":
        return within(span_of(arg, column, known) for arg in expr.args)
    if expr.op == "or":
        return around(span_of(arg, column, known) for arg in expr.args)
    if expr.op in _TURNED:
        left, right = expr.args
        if _is(left, column):
            return _compared(expr.op, _range(right, known))
        if _is(right, column):
            return _compared(_TURNED[expr.op], _range(left, known))
    return EVERYTHING


def _is(expr: Expr, column: str) -> bool:
    return expr.op == "column" and expr.value == column


def _range(expr: Expr, known: Mapping[str, Span]) -> Span:
    if expr.op == "literal" and isinstance(expr.value, float):
        return Span(expr.value, expr.value)
    return known.get(str(expr.value), EVERYTHING) if expr.op == "column" else EVERYTHING


def _compared(word: str, other: Span) -> Span:
    """Give where a value lies that stands in this relation to one of `other`."""
    low = other.low if word in {">", ">=", "="} else -math.inf
    return Span(low, other.high if word in {"<", "<=", "="} else math.inf)
