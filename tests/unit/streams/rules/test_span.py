from __future__ import annotations

import math

import pytest

from streams.rules.columns import COLUMNS
from streams.rules.condition import Condition
from streams.rules.load import library
from streams.rules.plan import Plan
from streams.rules.span import EVERYTHING, Span, around, span_of, within

INF = math.inf


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("value > 5", Span(5, INF)),
        ("5 >= value", Span(-INF, 5)),
        ("value = 5", Span(5, 5)),
        ("value BETWEEN 2 AND 3", Span(2, 3)),
        ("value > 5 AND lon > 107", Span(5, INF)),
        ("value > 5 AND value < 1", Span(5, 1)),
        ("value > 5 OR value > 9", Span(5, INF)),
        ("value > 5 OR lon > 107", EVERYTHING),
        ("NOT value > 5", EVERYTHING),
        ("value * 2 > 5", EVERYTHING),
        ("value > lat", Span(10, INF)),
        ("value < lat", Span(-INF, 20)),
        ("value > lon", EVERYTHING),
        ("value <> 5", EVERYTHING),
    ],
)
def test_what_a_condition_asks_of_a_column(text: str, span: Span) -> None:
    """Comparisons with constants and with columns of known range; what is not understood asks nothing."""
    condition = Condition(text, COLUMNS["observation"])
    assert span_of(condition.tree, "value", {"lat": Span(10, 20)}) == span


def test_of_no_spans() -> None:
    """Nothing holds nothing; what nothing restricts is everything."""
    assert not around([]).meets(EVERYTHING)
    assert within([]) == EVERYTHING


def test_spans_of_rules() -> None:
    """A river rule asks for the lowest threshold of its table, a street rule for its lowest level."""
    plans = {rule.id: Plan(rule) for rule in library()}
    assert plans["flood.river-level"].span == Span(1.7, INF)
    assert plans["flood.street-depth"].span == Span(15, INF)
    assert plans["order.crowd-in-zone"].span == EVERYTHING
