"""The real messages of others once more, by the door that their senders use: HTTP in, rows and refusals out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import httpx
import msgspec
import psycopg
import pytest
from psycopg.rows import dict_row

from schemas.events import Observation, PriorityEvent
from tests.contract.samples import samples, told
from tests.e2e.canh import Canh, canh, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

#: Each sample has a source of its own, whose name stands for the `s` of samples.yaml.
SOURCES = {f"sample-{number:02}": sample for number, sample in enumerate(samples())}
#: How the later of two samples that tell other values of the same identity is refused.
CONFLICT = "id_conflict value"
#: Value, unit and place of a line; what is left tells device, metric and time.
CONTENT = re.compile(r" -?[\d.]+ \S+(?: \(sent: [^)]*\))? (\S+Z|on reception)(?: at .*)?$")
EVENT = msgspec.json.Decoder(PriorityEvent)

Outcome = dict[str, list[str]]


@pytest.fixture
def running() -> Iterator[Canh]:
    with canh("up") as running:
        yield running


def test_every_sample_by_http(running: Canh) -> None:
    """What is read of each and what is refused is what the adapters say; nothing vanishes between door and table."""
    bodies = {source: sample.read() for source, sample in SOURCES.items()}
    sources = [{"id": name, "kind": "sensor", "format": sample.format} for name, sample in SOURCES.items()]
    file = running.home / "sources.json"
    file.write_bytes(msgspec.json.encode(sources))
    running.run("source", "add", str(file))
    key = running.run("user", "key", "samples", "--source", "*").strip()
    with httpx.Client(base_url=running.url, timeout=60, headers={"Authorization": f"Bearer {key}"}) as client:
        for source, body in bodies.items():
            kind = "xml" if body.lstrip()[:1] == b"<" else "json"
            answer = client.post(f"/v1/ingest/{source}", content=body, headers={"Content-Type": f"application/{kind}"})
            assert answer.status_code in {202, 400}, f"{SOURCES[source].name}: {answer.text}"
    wait_for(running.caught_up, 120, "the end of all work")
    found = json.loads((running.home / "run" / "addresses.json").read_text())
    with psycopg.connect(found["database_url"], row_factory=dict_row) as connection:
        outcomes = {source: outcome(connection, source) for source in SOURCES}
    stored, known = (readings(each) for each in (outcomes.values(), [sample.found for sample in SOURCES.values()]))
    assert stored <= known
    assert set(map(identity, stored)) == set(map(identity, known))
    lost = [line for sample in SOURCES.values() for line in sample.found.get("observations", []) if line not in stored]
    told_of = [line for each in outcomes.values() for line in each.get("refusals", []) if line == CONFLICT]
    assert len(told_of) == len(lost)
    for source, sample in SOURCES.items():
        assert by_itself(outcomes[source]) == by_itself(sample.found), sample.name


def readings(outcomes: Iterable[Outcome]) -> set[str]:
    """Give all observations, each once: some samples tell the same."""
    return {line for each in outcomes for line in each.get("observations", [])}


def identity(line: str) -> str:
    """Give what an observation is known by: of two samples that tell other values of it, the first to come stands."""
    return CONTENT.sub(r" \1", line)


def by_itself(each: Outcome) -> Outcome:
    """Give what does not depend on other samples: events, and refusals but for such conflicts."""
    kept = {"events": each.get("events", []), "refusals": each.get("refusals", [])}
    return {kind: [line for line in lines if line != CONFLICT] for kind, lines in kept.items()}


def outcome(connection: psycopg.Connection[dict[str, Any]], source: str) -> Outcome:
    """Read what is in the database of a source, in the words of samples.yaml."""
    rows = connection.execute("SELECT * FROM observation WHERE source = %s", [source]).fetchall()
    bodies = connection.execute("SELECT body::text FROM event WHERE source = %s", [source]).fetchall()
    refused = connection.execute("SELECT reason, field FROM dead_letter WHERE source = %s", [source]).fetchall()
    found = told(
        [Observation(id="", **row) for row in rows],
        [EVENT.decode(row["body"]) for row in bodies],
        [(row["reason"], row["field"]) for row in refused],
    )
    return {kind: [line.replace(source, "s") for line in lines] for kind, lines in found.items()}
