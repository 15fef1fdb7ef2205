"""Gives the lines that rules draw on a device's chart: each level's threshold with its words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from api.context import Threshold, Thresholds
from schemas.events import Text
from streams.rules.rule import Level, Rule

_BRACKETS = re.compile(r"\s*\([^()]*\{[^()]*\)")
_CLAUSES = re.compile(r"\s*[:,;]\s*")


def of_rules(rules: Sequence[Rule]) -> Thresholds:
    """Give the thresholds of all active rules over observations, for `create_app`."""
    active = [rule for rule in rules if rule.on == "observation" and rule.status == "active"]

    def of_device(device: str, metric: str) -> Sequence[Threshold]:
        lines = [
            Threshold(value, _label(rule, level), level.severity)
            for rule in active
            if rule.metric == metric
            for level in rule.ladder
            if (value := _value(rule, level, device)) is not None
        ]
        return sorted(lines, key=lambda line: (line.value, line.severity))

    return of_device


def _value(rule: Rule, level: Level, device: str) -> float | None:
    if isinstance(level.threshold, str):
        return rule.thresholds.get(device, {}).get(level.threshold) if rule.key_column == "device" else None
    return level.threshold


def _label(rule: Rule, level: Level) -> Text:
    if level.name is not None:
        return level.name
    title = level.title or rule.raise_.title
    return Text(vi=_words(title.vi) or rule.title.vi, en=_words(title.en) or rule.title.en)


def _words(template: str) -> str:
    """Give what a signal's title says without its numbers: "{device}: {value} m, above level 2" is "above level 2"."""
    clauses = _CLAUSES.split(_BRACKETS.sub("", template))
    return ", ".join(clause for clause in clauses if clause and "{" not in clause)
