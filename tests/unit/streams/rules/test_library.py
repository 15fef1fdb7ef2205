from __future__ import annotations

import re

import pytest

from streams.rules.engine import Engine
from streams.rules.load import library
from streams.rules.rule import Case, Rule
from streams.rules.series import failures

RULES = library()
CASES = [pytest.param(rule, case, id=f"{rule.id}: {case.name}") for rule in RULES for case in rule.tests]


@pytest.mark.parametrize(("rule", "case"), CASES)
def test_case(rule: Rule, case: Case) -> None:
    """Each case in a rule's file gives exactly the signals that it expects."""
    assert failures(rule, case) == []


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.id) for rule in RULES])
def test_every_rule_has_a_firing_and_a_silent_case(rule: Rule) -> None:
    """A rule file shows when it fires and when it stays silent."""
    assert {bool(case.expect) for case in rule.tests} == {True, False}


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.id) for rule in RULES])
def test_no_title_holds_a_value_that_ages(rule: Rule) -> None:
    """A title stays on an incident for days: it holds no value of one moment, and the end has words of its own."""
    assert rule.raise_.clear is not None
    titles = [rule.raise_.title, rule.raise_.clear, *(level.title for level in rule.levels if level.title)]
    assert [title for title in titles if "{value}" in title.vi + title.en] == []


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.id) for rule in RULES if rule.levels])
def test_a_title_says_above_only_where_the_rule_asks_for_more(rule: Rule) -> None:
    """At its threshold a level with >= is reached, not exceeded."""
    for level in rule.ladder:
        title = level.title or rule.raise_.title
        above = re.search(r"vượt|trên \{|above|more than", f"{title.vi} {title.en}") is not None
        assert not (above and ">=" in (level.where or ""))


def test_the_library_runs_as_one_engine() -> None:
    """All rules of the library compile, under different ids."""
    assert set(Engine(RULES).plans) == {rule.id for rule in RULES}
