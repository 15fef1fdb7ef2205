from __future__ import annotations

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


def test_the_library_runs_as_one_engine() -> None:
    """All rules of the library compile, under different ids."""
    assert set(Engine(RULES).plans) == {rule.id for rule in RULES}
