"""Holds one rule as its YAML file says it, with every duration and name checked."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any, Literal

import msgspec

from schemas.errors import RuleError
from schemas.events import Text, Written
from streams.rules.columns import COLUMNS, DEFAULT_PER, DEFAULT_VALUE, Type
from streams.rules.duration import duration

EventType = Literal["observation", "detection", "report", "alert", "position", "case"]
PLACEHOLDERS = frozenset({"device", "value", "threshold", "commune"})
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}|[{}]")
_ID = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
#: Longest `settle`: so much of a partition is held in memory, and read again after a restart.
LONGEST_SETTLE = timedelta(minutes=1)
_CADENCES = re.compile(r"(\d+(?:\.\d+)?) cadences")


class Level(Written, frozen=True):
    """One severity of a rule: its condition, the threshold that it compares with, and its own `for`, name and title.

    `threshold` is a number or the name of a column of `thresholds`; conditions may read it as `threshold`. `name` is
    what people call the level in a word or two, as it stands beside its line on a chart.
    """

    severity: int
    where: str | None = None
    threshold: float | str | None = None
    for_: str | None = msgspec.field(default=None, name="for")
    name: Text | None = None
    title: Text | None = None


class ZoneFilter(Written, frozen=True):
    """Only events inside (or outside) these zones: by id, or by kind (any zone of that kind)."""

    ids: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    relation: Literal["inside", "outside"] = "inside"


class Raise(Written, frozen=True):
    """What a firing rule tells: incident kind, titles with placeholders, the column to show, and how far it merges.

    A title stays on the incident for days: it says what happened and which level, not a value of that moment. `clear`
    is the title of the signal that ends an episode; in it `{threshold}` is that of the lowest level.
    """

    kind: str
    title: Text
    clear: Text | None = None
    value: str | None = None
    merge_m: float = 500.0
    merge_s: float = 1800.0


class Expected(Written, frozen=True):
    """One signal that a test case expects, `at` after the case's start."""

    action: Literal["raise", "update", "clear"]
    at: str
    severity: int | None = None


class Reference(Written, frozen=True):
    """Where a number comes from; `sure` False when the full legal text was not compared."""

    title: str
    note: str = ""
    sure: bool = True


class Case(Written, frozen=True):
    """A test in the rule's file: columns as compact series (`1.5 1.8x3 - _`), one step each `every`.

    `-` is a step without an event, `_` a NULL, `x3` repeats a step. `until` is when the clock stops (default: the last
    step). Columns that stay the same stand in `same`.
    """

    name: str
    every: str
    series: dict[str, str]
    expect: tuple[Expected, ...] = ()
    same: dict[str, Any] = {}
    until: str | None = None


class Rule(Written, frozen=True):
    """One rule.

    An event speaks about the rule when it is of type `on`, of `metric` (observations), inside `zone` and `only` holds;
    for every `per` (a column) the condition `where` must then hold for the time `for`. An episode ends when `clear`
    (default: `where` no longer holds) has held for `clear_for` or, when nobody says anything more, after `gap`.
    `keep_firing_for` is `clear_for` under the name that Prometheus uses. `absent` is a duration or "3 cadences": no
    event of a key for that long. `derive` names a metric that the engine computes itself. `thresholds` gives numbers
    by key (`per`) as columns. `severity` is for a rule without `levels`. Events wait for `settle`, so that they count
    in the order in which they happened; with "0s" they count at once, in the order in which they come.
    """

    id: str
    version: int
    title: Text
    summary: Text
    owner: str
    on: EventType
    raise_: Raise = msgspec.field(name="raise")
    status: Literal["draft", "shadow", "active", "retired"] = "active"
    references: tuple[Reference, ...] = ()
    metric: str | None = None
    only: str | None = None
    where: str | None = None
    zone: ZoneFilter | None = None
    per: str | None = None
    for_: str | None = msgspec.field(default=None, name="for")
    gap: str | None = None
    clear: str | None = None
    clear_for: str | None = None
    keep_firing_for: str | None = None
    severity: int | None = None
    levels: tuple[Level, ...] = ()
    thresholds: dict[str, dict[str, float | None]] = {}
    absent: str | None = None
    settle: str = "5s"
    derive: Literal["vn_aqi"] | None = None
    tests: tuple[Case, ...] = ()

    @property
    def key_column(self) -> str:
        """The column that tells one key from another (`zone` means each zone that holds the event)."""
        return self.per or DEFAULT_PER[self.on]

    @property
    def value_column(self) -> str | None:
        """The column shown as the signal's value."""
        return self.raise_.value or DEFAULT_VALUE[self.on]

    @property
    def threshold_columns(self) -> tuple[str, ...]:
        """The columns that `thresholds` adds, sorted."""
        return tuple(sorted({name for row in self.thresholds.values() for name in row}))

    @property
    def columns(self) -> dict[str, Type]:
        """All columns that its conditions may read."""
        extra = [*self.threshold_columns, *(["threshold"] if self.levels else [])]
        return {**COLUMNS[self.on], **dict.fromkeys(extra, Type.NUMBER)}

    @property
    def ladder(self) -> tuple[Level, ...]:
        """Its levels, lowest severity first; a rule without levels has one."""
        levels = self.levels or (Level(severity=self.severity or 2, where=None),)
        return tuple(sorted(levels, key=lambda level: level.severity))

    @property
    def cleared_after(self) -> timedelta:
        """How long `clear` must hold."""
        return duration(self.clear_for or self.keep_firing_for or "0s")

    @property
    def cadences(self) -> float | None:
        """The multiple of the source's cadence after which a key is absent; None when `absent` is a duration."""
        found = _CADENCES.fullmatch(self.absent or "")
        return float(found[1]) if found else None


def check(rule: Rule) -> None:
    """Raise RuleError for what the record's shape alone cannot refuse; conditions are checked by the engine."""
    for wrong, why in _problems(rule):
        if wrong:
            raise RuleError(f"{rule.id}: {why}")
    for text in (rule.for_, rule.gap, rule.clear_for, rule.keep_firing_for, *(level.for_ for level in rule.levels)):
        if text is not None:
            duration(text)
    if rule.absent is not None and rule.cadences is None:
        duration(rule.absent)
    if duration(rule.settle) > LONGEST_SETTLE:
        raise RuleError(f"{rule.id}: settle is at most {LONGEST_SETTLE.seconds} s")
    for title in (rule.raise_.title, rule.raise_.clear, *(level.title for level in rule.levels)):
        if title is not None:
            _check_template(rule.id, title)


def _problems(rule: Rule) -> tuple[tuple[bool, str], ...]:
    severities = [level.severity for level in rule.ladder]
    known = rule.columns
    return (
        (not _ID.fullmatch(rule.id), "an id is lower case words joined by dots and dashes"),
        (rule.version < 1, "the version starts at 1"),
        (not rule.references, "name the decree, standard or agreement under references"),
        (not all((rule.title.vi, rule.title.en, rule.summary.vi, rule.summary.en)), "title and summary in vi and en"),
        (any(not 1 <= severity <= 5 for severity in severities), "a severity is 1 to 5"),
        (len(set(severities)) != len(severities), "each severity stands once in levels"),
        (bool(rule.levels) and rule.severity is not None, "give severity or levels, not both"),
        (rule.metric is not None and rule.on != "observation", "metric is for observations only"),
        (rule.absent is None and rule.where is None and not rule.levels, "say where, levels or absent"),
        (rule.absent is not None and bool(rule.levels or rule.where), "absent stands alone, with only or metric"),
        (rule.clear_for is not None and rule.keep_firing_for is not None, "give clear_for or keep_firing_for"),
        (rule.key_column not in {*known, "zone"}, f"no column {rule.key_column!r} to keep apart by (per)"),
        (known.get(rule.key_column, Type.TEXT) is not Type.TEXT, f"per {rule.key_column!r} is not a text"),
        (rule.key_column == "zone" and bool(rule.absent or rule.thresholds), "per: zone has no absent, no thresholds"),
        (not set(rule.threshold_columns).isdisjoint({*COLUMNS[rule.on], "threshold"}), "a threshold hides a column"),
        (rule.zone is not None and not (rule.zone.ids or rule.zone.kinds), "zone names ids or kinds"),
        (rule.gap is not None and not duration(rule.gap), "a gap is longer than nothing"),
        (rule.absent is not None and not rule.cadences and not duration(rule.absent), "absent is longer than nothing"),
        (rule.value_column not in {*known, None}, f"no column {rule.value_column!r} to show (raise.value)"),
        (rule.derive is not None and rule.metric != rule.derive, f"set metric to {rule.derive!r}"),
        (not 0 <= rule.raise_.merge_m <= 20_000, "merge_m is 0 to 20,000 metres: more would join a province"),
        (not 0 <= rule.raise_.merge_s <= 86_400, "merge_s is 0 to 86,400 seconds"),
        (
            any(_unknown_threshold(level, rule) for level in rule.levels),
            "a threshold is a number or a threshold column",
        ),
    )


def _unknown_threshold(level: Level, rule: Rule) -> bool:
    return isinstance(level.threshold, str) and level.threshold not in rule.threshold_columns


def _check_template(rule: str, title: Text) -> None:
    for text in (title.vi, title.en):
        for found in _PLACEHOLDER.finditer(text):
            if found[1] not in PLACEHOLDERS:
                names = ", ".join(f"{{{name}}}" for name in sorted(PLACEHOLDERS))
                raise RuleError(f"{rule}: {found[0]!r} in a title; a title knows only {names}")
