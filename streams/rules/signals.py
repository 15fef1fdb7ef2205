"""Turns what a machine found into the signal that travels and that a person reads."""

from __future__ import annotations

from schemas.events import Action, Mark, Signal, Text
from streams.rules.frame import Lookups
from streams.rules.machine import Turn
from streams.rules.plan import Plan


def signal_of(plan: Plan, key: str, turn: Turn, lookups: Lookups) -> Signal:
    """Give the signal of one turn; its id follows from rule, key and event times alone."""
    rule, sight = plan.rule, turn.sight
    episode = Signal.episode_id(rule.id, key, turn.started_at)
    threshold = _threshold(plan, turn)
    return Signal(
        id=Signal.identity(episode, turn.action, turn.severity, turn.at),
        rule=rule.id,
        rule_version=rule.version,
        kind=rule.raise_.kind,
        action=turn.action,
        key=key,
        episode=episode,
        severity=turn.severity,
        started_at=turn.started_at,
        observed_at=turn.at,
        title=_title(plan, key, turn, threshold, lookups),
        lon=sight.lon,
        lat=sight.lat,
        commune=sight.commune,
        zone=sight.zone,
        device=sight.device,
        metric=sight.metric,
        value=sight.value,
        threshold=threshold,
        evidence=turn.evidence,
        merge_m=rule.raise_.merge_m,
        merge_s=rule.raise_.merge_s,
        marks=(Mark.SIMULATED.value,) if sight.simulated else (),
    )


def _level(plan: Plan, turn: Turn) -> int:
    """Give the level that a turn tells of: the one that fires, or the lowest that its key has when all are over."""
    if turn.action is Action.CLEAR:
        return next((i for i, threshold in enumerate(turn.sight.thresholds) if threshold is not None), 0)
    severities = plan.timing.severities
    return severities.index(turn.severity) if turn.severity in severities else 0


def _threshold(plan: Plan, turn: Turn) -> float | None:
    level = _level(plan, turn)
    return turn.sight.thresholds[level] if level < len(turn.sight.thresholds) else None


def _title(plan: Plan, key: str, turn: Turn, threshold: float | None, lookups: Lookups) -> Text:
    title, sight = _template(plan, turn), turn.sight
    commune = sight.commune or ""
    words = {
        "device": lookups.titles.get(sight.device or key, sight.device or key),
        "commune": lookups.titles.get(commune, commune) or "?",
        "value": _number(sight.value),
        "threshold": _number(threshold),
    }
    comma = {**words, **{name: words[name].replace(".", ",") for name in ("value", "threshold")}}
    return Text(vi=_fill(title.vi, comma), en=_fill(title.en, words))


def _template(plan: Plan, turn: Turn) -> Text:
    rule = plan.rule
    begun = rule.ladder[_level(plan, turn)].title or rule.raise_.title
    if turn.action is not Action.CLEAR:
        return begun
    # what ended must not read as if it went on
    return rule.raise_.clear or Text(vi=f"Đã dứt: {begun.vi}", en=f"Over: {begun.en}")


def _fill(template: str, words: dict[str, str]) -> str:
    for name, word in words.items():
        template = template.replace(f"{{{name}}}", word)
    return template


def _number(number: float | None) -> str:
    """Write a number with at most two decimals; a comma stands before them in Vietnamese."""
    return "?" if number is None else f"{number:.2f}".rstrip("0").rstrip(".")
