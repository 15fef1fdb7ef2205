"""G7: a condition gives the same answer live (Polars) and over history (PostgreSQL)."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from typing import Any

import polars as pl
import psycopg
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from psycopg import Connection, sql

from schemas.errors import RuleError
from streams.rules.columns import COLUMNS, Type
from streams.rules.condition import Condition
from streams.rules.load import library
from streams.rules.plan import Plan
from streams.rules.rule import Rule
from tests.property.streams.rules.strategies import BOOLS, NUMBERS, TEXTS, conditions, rows
from tests.servers import DatabaseServer

pytestmark = pytest.mark.integration

Row = dict[str, Any]
RULES = library()
DTYPES: dict[Type, Any] = {Type.NUMBER: pl.Float64, Type.TEXT: pl.String, Type.BOOL: pl.Boolean}
CASTS = {Type.NUMBER: "float8", Type.TEXT: "text", Type.BOOL: "boolean"}
ZONES = ("square:1", "public_place:2", "commune:24133")
#: Numbers on, just below and far from the thresholds of the library.
EDGES = (-1.0, 0.0, 0.5, 0.59, 0.6, 0.8, 1.69, 1.7, 2.7, 3.7, 5.21, 5.3, 14.9, 15.0, 29.5, 30.0, 49.0, 50.0, 150.0,
         150.5, 199.0, 201.0, 301.0, 424.0, 1e300)  # fmt: skip


@pytest.fixture(scope="module")
def history(database: DatabaseServer) -> Iterator[Connection]:
    """Give a connection to an empty database of a server that need not be in UTC or in English."""
    with psycopg.connect(database.create_database()) as connection:
        yield connection


def columns_of(kind: str) -> dict[str, Type]:
    """Give the columns of an event type as conditions see them, without the zones."""
    return dict(COLUMNS[kind])


def asked(connection: Connection, columns: dict[str, Type], table: list[Row], condition: str) -> list[bool | None]:
    """Give PostgreSQL's answer for each row; what was written is undone."""
    names = ["n", *columns, "zone_ids"]
    types = ["int", *(CASTS[kind] for kind in columns.values()), "text[]"]
    made = sql.SQL(", ").join(
        sql.SQL("{} " + kind).format(sql.Identifier(n)) for n, kind in zip(names, types, strict=True)
    )
    try:
        connection.execute(sql.SQL("CREATE TEMP TABLE past ({})").format(made))
        with connection.cursor() as cursor, cursor.copy("COPY past FROM STDIN") as copy:
            for i, row in enumerate(table):
                copy.write_row([i, *(row.get(name) for name in columns), row["zone_ids"]])
        return [told for (told,) in connection.execute(f"SELECT {condition} FROM past ORDER BY n").fetchall()]
    finally:
        connection.rollback()


def live(columns: dict[str, Type], table: list[Row]) -> pl.DataFrame:
    """Give the rows as the frame of a micro-batch."""
    schema = {name: DTYPES[kind] for name, kind in columns.items()} | {"zone_ids": pl.List(pl.String)}
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in table], schema=schema).with_row_index("#")


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=conditions(), table=rows())
@example(text="1 IN (1, 2)", table=[{"zone_ids": []}, {"zone_ids": []}])
@example(text="LOWER(label) = 'đám cháy'", table=[{"label": "ĐÁM CHÁY", "zone_ids": []}])
@example(
    text="NOT in_zone(area)", table=[{"area": "square:1", "zone_ids": []}, {"area": None, "zone_ids": ["square:1"]}]
)
def test_postgresql_agrees_with_polars(history: Connection, text: str, table: list[Row]) -> None:
    """Any condition over any rows is TRUE, FALSE or NULL for the same rows in both."""
    columns = {name: COLUMNS["detection"][name] for name in (*NUMBERS, *TEXTS, *BOOLS)}
    try:
        condition = Condition(text, COLUMNS["detection"])
    except RuleError:
        assume(False)
    each_row = pl.col("#").is_not_null()
    told = live(columns, table).select((each_row & condition.polars()).alias("told")).get_column("told").to_list()
    assert asked(history, columns, table, condition.sql()) == told


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_library_rule_finds_the_same_rows_in_history(history: Connection, rule: Rule) -> None:
    """Every rule of the library selects the same rows live and in SQL, and there are such rows."""
    plan, columns, table = Plan(rule), columns_of(rule.on), events_for(rule)
    told = live(columns, table).select(plan.hits.fill_null(value=False).alias("told")).get_column("told").to_list()
    found = asked(history, columns, table, plan.sql())
    assert [one is True for one in found] == told
    assert any(told)
    assert rule.absent or not all(told)


def events_for(rule: Rule) -> list[Row]:
    """Make rows that are often about the rule: its devices, its metric, its labels, numbers at its thresholds."""
    chance = random.Random(rule.id)
    return [_event(rule, chance) for _ in range(600)]


def _event(rule: Rule, chance: random.Random) -> Row:
    texts = (rule.only, rule.where, *(level.where for level in rule.levels))
    said = [word for text in texts for word in re.findall(r"'([^']*)'", text or "")]
    words: dict[str, list[str | None]] = {
        "device": [*rule.thresholds, "camera:1", None],
        "metric": [*([rule.metric] * 3 if rule.metric else []), "rain"],
        "label": ["smoke", "fire", "person", "crowd", "car", None],
        "unit": ["unit:1", "unit:2"],
        "home_zone": [*ZONES, None],
    }
    row: Row = {"zone_ids": chance.sample(ZONES, chance.randint(0, len(ZONES)))}
    for name, kind in columns_of(rule.on).items():
        if kind is Type.NUMBER:
            row[name] = None if chance.random() < 0.1 else chance.choice(EDGES)
        elif kind is Type.BOOL:
            row[name] = chance.choice((True, False, None))
        else:
            row[name] = chance.choice(words.get(name, ["", "Đ", None, *said]))
    return row
