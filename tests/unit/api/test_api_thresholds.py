"""The lines of rules on charts."""

from __future__ import annotations

from api.thresholds import of_rules
from streams.rules.load import library


def test_a_gauge_has_its_own_alarm_levels() -> None:
    """The river rule draws the levels of this gauge, in order, with their words and severities."""
    lines = of_rules(library())("river:phu-lam", "water_level")
    assert [(line.value, line.severity) for line in lines] == [(1.7, 2), (2.7, 3), (3.7, 4), (5.21, 5)]
    assert lines[1].label.vi == "BĐ2"
    assert lines[1].label.en == "alarm level 2"


def test_a_level_that_is_not_known_for_a_gauge_has_no_line() -> None:
    """A number that nobody found is not drawn."""
    lines = of_rules(library())("river:ban-don", "water_level")
    assert [line.severity for line in lines] == [2, 4]


def test_other_devices_and_metrics_have_none() -> None:
    """A gauge without levels, or a metric without a rule, has a chart without lines."""
    assert list(of_rules(library())("river:unknown", "water_level")) == []
    assert list(of_rules(library())("river:phu-lam", "humidity")) == []


def test_every_label_of_the_library_is_words() -> None:
    """No placeholder and no empty label reaches a chart."""
    give = of_rules(library())
    for rule in library():
        for device in rule.thresholds or {"any": {}}:
            for line in give(device, rule.metric or ""):
                assert line.label.vi
                assert "{" not in line.label.vi + line.label.en
