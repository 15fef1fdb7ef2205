"""Real messages made by others: which there are, what must come of each, and what came of it in the same words.

The files are not ours and not in the repository: a folder named by CANH_TEST_SAMPLES, or ../shared/samples beside it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from schemas.events import Alert, Detection, Event, Observation, Position
from schemas.metrics import METRICS

SAMPLES = Path(os.environ.get("CANH_TEST_SAMPLES", Path(__file__).parents[3] / "shared" / "samples"))
#: For each file its format and, line by line, what is read and what is refused; checked against the files by a person.
#: Why something is refused is told in docs/reference/interoperability.md.
FOUND = Path(__file__).with_name("samples.yaml")


@dataclass(frozen=True)
class Sample:
    """A message made by others."""

    name: str  # below SAMPLES
    format: str
    found: dict[str, list[str]]  # what must come of it: observations, events, refusals

    def read(self) -> bytes:
        """Give its bytes; skips the test where the file is not there."""
        path = SAMPLES / self.name
        if not path.exists():
            pytest.skip(f"sample {self.name} is not here: set CANH_TEST_SAMPLES to a folder of samples")
        return path.read_bytes()


def samples() -> list[Sample]:
    """Give all samples that we know."""
    known: dict[str, dict[str, Any]] = yaml.safe_load(FOUND.read_text("utf-8"))
    return [Sample(name, found.pop("format"), _sorted(found)) for name, found in known.items()]


def _sorted(found: dict[str, list[str]]) -> dict[str, list[str]]:
    return {name: sorted(lines) for name, lines in found.items()}


def told(
    observations: Iterable[Observation], events: Iterable[Event], refusals: Iterable[tuple[str, str]]
) -> dict[str, list[str]]:
    """Tell what came of a message in the words of samples.yaml, each kind sorted; what there is none of is left out.

    A refusal is its reason and field.
    """
    lines = {
        "observations": [_observation(row) for row in observations],
        "events": [_event(event) for event in events],
        "refusals": [f"{reason} {field}".strip() for reason, field in refusals],
    }
    return {name: sorted(found) for name, found in lines.items() if found}


def _observation(row: Observation) -> str:
    known = METRICS.get(row.metric)
    unit = known.unit if known else row.source_unit  # a metric that we do not know keeps the sender's
    sent = f" (sent: {row.source_value} {row.source_unit})" if row.source_value is not None else ""
    return f"{row.device} {row.metric} {row.value} {unit}{sent} {_when(row)}{_place(row.lon, row.lat)}"


def _event(event: Event) -> str:
    match event:
        case Detection():
            ended = f" until {_time(event.ended_at)}" if event.ended_at else ""
            sure = f" {event.confidence}" if event.confidence is not None else ""
            what = f"{event.device} {event.label}{sure} in {event.area or '-'}{ended}"
        case Alert():
            what = f"{event.kind} severity {event.severity} until {event.expires_at and _time(event.expires_at)}"
        case Position():
            what = f"{event.unit} {event.speed_mps} m/s {event.heading_deg} deg"
        case _:
            what = repr(event)
    return f"{type(event).__name__} {what} {_when(event)}{_place(event.lon, event.lat)}"


def _when(event: Event) -> str:
    return "on reception" if event.observed_at == event.received_at else _time(event.observed_at)


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _place(lon: float | None, lat: float | None) -> str:
    return "" if lon is None else f" at {lon} {lat}"
