from __future__ import annotations

import polars as pl
import pytest

from schemas.errors import RuleError
from streams.rules.columns import COLUMNS
from streams.rules.condition import Condition

DETECTION = COLUMNS["detection"]


def holds(text: str, **row: object) -> bool | None:
    """Give what Polars says of a condition for one row."""
    condition = Condition(text, DETECTION)
    columns = {"label": pl.String, "confidence": pl.Float64, "count": pl.Float64, "commune": pl.String}
    frame = pl.DataFrame(
        {name: [row.get(name)] for name in columns} | {"zone_ids": [row.get("zone_ids", [])]},
        schema={**columns, "zone_ids": pl.List(pl.String)},
    )
    found: bool | None = frame.select(condition.polars().alias("x")).item()
    return found


@pytest.mark.parametrize(
    ("expected", "text", "row"),
    [
        (True, "label IN ('smoke', 'fire') AND confidence >= 0.8", {"label": "fire", "confidence": 0.8}),
        (None, "confidence >= 0.8", {}),
        (False, "confidence >= 0.8 AND label = 'fire'", {"label": "car"}),
        (True, "confidence >= 0.8 OR label = 'car'", {"label": "car"}),
        (None, "NOT confidence >= 0.8", {}),
        (True, "confidence IS NULL", {}),
        (True, "count / 2 = 1.5", {"count": 3.0}),
        (None, "count / (count - 3) > 0", {"count": 3.0}),
        (True, "count NOT BETWEEN 4 AND 5", {"count": 3.0}),
        (True, "ROUND(count / 2) = 2", {"count": 5.0}),
        (True, "ROUND(confidence, 1) = 0.3", {"confidence": 0.27}),
        (True, "GREATEST(count, 2, confidence) = 2", {"count": None}),
        (True, "COALESCE(confidence, 1) = 1", {}),
        (True, "LOWER(label) = 'đám cháy'", {"label": "ĐÁM CHÁY"}),
        (True, "label LIKE '%_ine\\_%'", {"label": "x\nline_crossing"}),
        (False, "label LIKE 'a.c'", {"label": "abc"}),
        (True, "label < 'z' AND label > 'Z'", {"label": "a"}),
        (True, "in_zone('square:1') AND NOT in_zone('square:2')", {"zone_ids": ["square:1"]}),
        (None, "in_zone(label)", {"zone_ids": ["square:1"]}),
        (True, "in_zone(label)", {"zone_ids": ["square:1"], "label": "square:1"}),
        (True, "in_commune('24133')", {"commune": "24133"}),
        (True, "-count < ABS(count)", {"count": 3.0}),
        (None, "count + 1 > 0", {"count": 1e300}),
    ],
)
def test_meaning(expected: bool | None, text: str, row: dict[str, object]) -> None:
    """A condition follows three-valued logic and the fixed meanings of its operators."""
    assert holds(text, **row) is expected


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("1:1: no column 'confidense'; did you mean 'confidence'", "confidense > 1"),
        ("2:5: no column 'lable'; did you mean 'label'", "count > 1 AND\n    lable = 'x'"),
        ("no function 'sqrt'", "sqrt(count) > 1"),
        ("no function 'lowr'; did you mean 'lower'", "lowr(label) = 'x'"),
        ("IN takes a list of constants", "count IN (SELECT 1)"),
        ("no function 'regexp_like'", "label ~ '^(a+)+$'"),
        ("cannot compare a text with a number", "label = 1"),
        ("the condition gives a number", "count"),
        ("NULL as a value", "count = NULL"),
        ("one boolean expression", "count > 1; DROP TABLE incident"),
        ("no function 'cast'", "count::int = 1"),
        ("no function 'exists'", "EXISTS (SELECT 1)"),
        ("multiplied into one", "count * count * count * count * count > 1"),
        ("longer than 500", f"count IN ({', '.join(['1'] * 501)})"),
        ("longer than 2048 bytes", "count > 1 OR " * 200 + "count > 1"),
        ("more than 200", " OR ".join(["count>1"] * 80)),
        ("nests deeper", "ABS(" * 25 + "count" + ")" * 25 + " > 1"),
        ("brackets nest deeper", "(" * 500 + "count" + ")" * 500 + " > 1"),
        ("too deep", "NOT " * 500 + "TRUE"),
        ("not a SQL expression", "count >"),
        ("empty", "  "),
        ("single backslash", "label LIKE 'a\\'"),
        ("in_zone takes one text", "in_zone(LOWER(label))"),
        ("ROUND takes", "ROUND(count, 12) = 1"),
        ("out of range", "count > 1e40"),
        ("without a table", "d.count > 1"),
        ("SYMMETRIC", "count BETWEEN SYMMETRIC 2 AND 1"),
        ("CASE", "CASE WHEN count > 1 THEN TRUE ELSE FALSE END".replace("CASE", "case", 1)),
    ],
)
def test_refusals_say_where_and_what_instead(message: str, text: str) -> None:
    """What is not in the language is refused with its place and, for a wrong name, the right one."""
    with pytest.raises(RuleError, match=r"^\d+:\d+: ") as caught:
        Condition(text, DETECTION)
    assert message.lower() in str(caught.value).lower()


def test_sql_text() -> None:
    """The SQL text compares doubles, texts by code point, and quotes what it holds."""
    condition = Condition("count / 2 >= 1.5 AND label = 'a''b' AND in_zone('square:1')", DETECTION)
    text = condition.sql({"count": "(body->>'count')::float8"})
    assert "/ NULLIF('2.0'::float8, 0)" in text
    assert """("label" COLLATE "C" = 'a''b'::text COLLATE "C")""" in text
    assert """COALESCE('square:1'::text = ANY("zone_ids"), FALSE)""" in text
    assert '"count"' not in text


def test_reads() -> None:
    """A condition names the columns that it reads, the place's too."""
    condition = Condition("count > 1 AND in_zone('a:b') AND in_commune('1')", DETECTION)
    assert condition.reads == {"count", "zone_ids", "commune"}
