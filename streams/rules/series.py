"""Runs the test cases of a rule file: compact series in, the signals of the very same engine out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from schemas.errors import RuleError
from schemas.events import Alert, Case, Detection, Event, Observation, ObservationBatch, Position, Report, Signal
from streams.rules import rule as rules
from streams.rules.columns import COLUMNS, Type
from streams.rules.duration import duration
from streams.rules.engine import Engine
from streams.rules.frame import Lookups
from streams.rules.state import States

#: When every case starts. A fixed day: cases never depend on today.
START = datetime(2025, 11, 19, tzinfo=UTC)
_TOKEN = re.compile(r"(?P<word>\S+?)(?:\s*x(?P<times>\d+))?(?=\s|$)")
_RECORDS: dict[str, type[Event]] = {
    "observation": Observation,
    "detection": Detection,
    "report": Report,
    "alert": Alert,
    "position": Position,
    "case": Case,
}
#: Registry columns: a case gives them like any column, the lookups take them from there.
_LOOKED_UP = ("cadence_s", "home_zone", "home_distance_m")


def run_case(rule: rules.Rule, case: rules.Case) -> list[Signal]:
    """Give the signals of one case, one event a step, with the clock stopped at `until`."""
    rows, every = list(_rows(rule, case)), duration(case.every)
    engine, states = Engine([msgspec.structs.replace(rule, status="active")], _lookups(rows)), States()
    signals: list[Signal] = []
    for step, row in rows:
        event = _event(rule, row, step, START + step * every)
        batch = ObservationBatch.of([event]) if isinstance(event, Observation) else [event]
        signals += engine.step(batch, states).signals  # type: ignore[arg-type]  # one event of the rule's own type
    steps = max((len(_expand(text)) for text in case.series.values()), default=1) - 1
    until = START + (duration(case.until) if case.until else steps * every)
    return signals + engine.advance(states, until).signals


def failures(rule: rules.Rule, case: rules.Case) -> list[str]:
    """Say in words how a case's signals differ from what it expects; empty when it passes."""
    seen = [(signal.action.value, signal.observed_at - START, signal.severity) for signal in run_case(rule, case)]
    wanted = [(each.action, duration(each.at), each.severity) for each in case.expect]
    found = []
    for i in range(max(len(seen), len(wanted))):
        one, other = (wanted[i] if i < len(wanted) else None), (seen[i] if i < len(seen) else None)
        if one is None or other is None or one[:2] != other[:2] or one[2] not in {None, other[2]}:
            found.append(f"{case.name}: expected {_say(one)}, seen {_say(other)}")
    return found


def _say(turn: tuple[str, timedelta, int | None] | None) -> str:
    return "nothing" if turn is None else f"{turn[0]} of severity {turn[2]} after {turn[1]}"


def _expand(text: str) -> list[str]:
    return [found["word"] for found in _TOKEN.finditer(text) for _ in range(int(found["times"] or 1))]


def _rows(rule: rules.Rule, case: rules.Case) -> Iterator[tuple[int, dict[str, Any]]]:
    series = {name: _expand(text) for name, text in case.series.items()}
    if len({len(words) for words in series.values()}) > 1:
        raise RuleError(f"{rule.id}: {case.name}: series of unequal length")
    for step in range(max(map(len, series.values()), default=0)):
        words = {name: values[step] for name, values in series.items()}
        if "-" not in words.values():
            row = {**case.same, **words}
            yield step, {name: _value(rule, name, word) for name, word in row.items()}


def _value(rule: rules.Rule, name: str, word: Any) -> Any:
    if not isinstance(word, str):
        return word
    if word == "_":
        return None
    if name == "zone_ids":
        return [part for part in word.split(",") if part]
    return float(word) if COLUMNS[rule.on].get(name) is Type.NUMBER else word


def _lookups(rows: list[tuple[int, dict[str, Any]]]) -> Lookups:
    cadences = {str(row.get("source", "test")): row["cadence_s"] for _, row in rows if row.get("cadence_s")}
    homes = {str(row["unit"]): row["home_zone"] for _, row in rows if row.get("home_zone")}
    distances = {(row["lon"], row["lat"]): row["home_distance_m"] for _, row in rows if "home_distance_m" in row}
    return Lookups(cadence_s=cadences, home_zone=homes, distance_m=lambda _zone, lon, lat: distances.get((lon, lat)))


def _event(rule: rules.Rule, row: dict[str, Any], step: int, at: datetime) -> Event:
    fields = {name: value for name, value in row.items() if name not in _LOOKED_UP}
    envelope = {"id": f"{rule.id}-{step}", "source": "test", "observed_at": at, "received_at": at}
    try:
        return msgspec.convert({**envelope, **fields, "type": _tag(rule.on)}, _RECORDS[rule.on], strict=False)
    except msgspec.ValidationError as error:
        raise RuleError(f"{rule.id}: step {step} of a test: {error}") from error


def _tag(on: str) -> str:
    return str(_RECORDS[on].__struct_config__.tag)
