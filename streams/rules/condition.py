"""Reads a rule's SQL condition, checks it against the event's columns, and gives it to Polars and to PostgreSQL.

The language is a boolean SQL expression (PostgreSQL dialect, read by sqlglot) with these fixed meanings, so that the
answer live equals the answer over history:

- every number is a double; `/` never truncates, and a division by zero is NULL;
- three-valued logic (Kleene): a comparison with NULL is NULL, and a row matches only where the whole is TRUE;
- text compares by code point (`COLLATE "C"`); LOWER changes ASCII and Vietnamese letters only;
- LIKE knows `%`, `_` and the backslash; ROUND goes half to even; GREATEST and LEAST skip NULL;
- inside arithmetic a number beyond 1e30 is NULL and one nearer to zero than 1e-30 is 0;
- `in_zone('kind:code')` (or a text column that holds a zone id) and `in_commune('code')` ask for the event's place.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import polars as pl

from streams.rules.checker import Checker
from streams.rules.columns import Type
from streams.rules.to_polars import to_polars
from streams.rules.to_sql import to_sql


class Condition:
    """One condition, ready to run.

    `text` is the SQL as written, `columns` what it may read (name to type). Raises RuleError with line, column and,
    for a wrong name, the nearest right ones.
    """

    def __init__(self, text: str, columns: Mapping[str, Type]) -> None:
        self.text = text
        self.tree = Checker(text, columns).tree()

    @cached_property
    def reads(self) -> frozenset[str]:
        """The columns that it reads (`zone_ids` and `commune` when it asks for a place)."""
        names = {str(node.value) for node in self.tree.walk() if node.op == "column"}
        places = {"in_zone": "zone_ids", "in_commune": "commune"}
        return frozenset(names | {places[node.op] for node in self.tree.walk() if node.op in places})

    def polars(self, columns: Mapping[str, pl.Expr] | None = None) -> pl.Expr:
        """Give it as a Polars expression of type Boolean; `columns` replaces names by other expressions.

        Where only constants decide, Polars may give one value instead of one for each row: AND it with a column.
        """
        return to_polars(self.tree, columns or {})

    def sql(self, columns: Mapping[str, str] | None = None) -> str:
        """Give it as PostgreSQL text; `columns` replaces names by SQL (numbers must be double precision there)."""
        return to_sql(self.tree, columns or {})
