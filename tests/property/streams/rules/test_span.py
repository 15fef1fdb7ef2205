from __future__ import annotations

from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from schemas.errors import RuleError
from streams.rules.columns import COLUMNS
from streams.rules.condition import Condition
from streams.rules.span import Span, span_of
from tests.property.streams.rules.strategies import NUMBERS, conditions, rows
from tests.property.streams.rules.test_condition import evaluate


@settings(max_examples=400, deadline=None)
@given(text=conditions(), table=rows(), column=st.sampled_from(NUMBERS), other=st.sampled_from(NUMBERS))
def test_where_a_condition_is_true_its_column_lies_within_the_span(
    text: str, table: list[dict[str, Any]], column: str, other: str
) -> None:
    """No row that a rule asks for is left out, whatever the condition; of another column the range may be known."""
    try:
        condition = Condition(text, COLUMNS["detection"])
    except RuleError:
        assume(False)
    assume(column != other)
    seen = [row[other] for row in table if row[other] is not None]
    known = {other: Span(min(seen), max(seen))} if seen else {}
    span = span_of(condition.tree, column, known)
    for row in table:
        if evaluate(condition.tree, row) is True and row[column] is not None:
            assert span.low <= row[column] <= span.high
