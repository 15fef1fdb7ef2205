from __future__ import annotations

from datetime import timedelta

import pytest

from schemas.errors import RuleError
from streams.rules.duration import duration
from streams.rules.engine import Engine
from streams.rules.load import load_rule

RULE = """
id: test.rule
version: 1
title: {vi: Thử, en: Test}
summary: {vi: Thử, en: Test}
owner: test
references: [{title: none}]
on: observation
metric: water_level
where: value > 1
severity: 2
raise:
  kind: flood.river
  title: {vi: "{device} {value}", en: "{device} {value}"}
"""


def test_a_good_rule() -> None:
    """A rule file becomes a rule; `on` is a word, not a truth value."""
    rule = load_rule(RULE)
    assert (rule.id, rule.on, rule.key_column, rule.value_column) == ("test.rule", "observation", "device", "value")


@pytest.mark.parametrize(
    ("message", "old", "new"),
    [
        (":11: ", "severity: 2", "severity: two"),
        ("did you mean 'metric'", "metric: water_level", "metrik: water_level"),
        ("write it like 90s", "severity: 2", "severity: 2\nfor: ten minutes"),
        ("severity is 1 to 5", "severity: 2", "severity: 7"),
        ("'{what}' in a title", '{vi: "{device} {value}"', '{vi: "{what}"'),
        ("anchors and aliases", "owner: test", "owner: &a test"),
        ("stands twice", "owner: test", "owner: test\nowner: other"),
        ("would join a province", "  kind: flood.river", "  kind: flood.river\n  merge_m: 500000"),
        ("name the decree", "references: [{title: none}]", "references: []"),
        ("no column 'colour'", "severity: 2", "severity: 2\nper: colour"),
        ("say where, levels or absent", "where: value > 1\n", ""),
        ("is not a text", "severity: 2", "severity: 2\nper: value"),
        ("per: zone has no", "severity: 2", "severity: 2\nper: zone\nthresholds: {a: {t1: 1}}"),
        ("hides a column", "severity: 2", "severity: 2\nthresholds: {a: {value: 1}}"),
        ("names ids or kinds", "severity: 2", "severity: 2\nzone: {relation: outside}"),
        ("a gap is longer", "severity: 2", "severity: 2\ngap: 0s"),
        ("settle is at most 60 s", "severity: 2", "severity: 2\nsettle: 61s"),
        ("absent is longer", "where: value > 1", "absent: 0s"),
        ("absent stands alone", "severity: 2", "severity: 2\nabsent: 1h"),
        ("lower case words", "id: test.rule", "id: Test Rule"),
        ("mapping", RULE, "- a\n- b"),
        (":4: ", "id: test.rule", "id: {["),
    ],
)
def test_a_bad_rule_names_its_line_and_the_mend(message: str, old: str, new: str) -> None:
    """Every mistake in a rule file is one error that says where it is and what would be right."""
    with pytest.raises(RuleError, match=r"^rule\.yaml:\d+: ") as caught:
        load_rule(RULE.replace(old, new))
    assert message in str(caught.value)


def test_a_bad_condition_names_rule_and_field() -> None:
    """A condition is checked when the engine is made; the error names rule, field, line and column."""
    rule = load_rule(RULE.replace("value > 1", "valeu > 1"))
    with pytest.raises(RuleError, match=r"test\.rule: where:1:1: no column 'valeu'; did you mean 'value'"):
        Engine([rule])


def test_two_rules_with_one_id() -> None:
    """An engine refuses two rules with one id."""
    with pytest.raises(RuleError, match="two rules"):
        Engine([load_rule(RULE), load_rule(RULE)])


@pytest.mark.parametrize(
    ("expected", "text"), [(timedelta(seconds=90), "90s"), (timedelta(minutes=90), "1h30m"), (timedelta(days=2), "2d")]
)
def test_duration(expected: timedelta, text: str) -> None:
    """Durations are numbers with units, one after another."""
    assert duration(text) == expected


@pytest.mark.parametrize("text", ["", "10", "10 m", "-5m", "m", "1y", "40d"])
def test_bad_duration(text: str) -> None:
    """Anything else is refused."""
    with pytest.raises(RuleError):
        duration(text)
