from __future__ import annotations

import copy
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # it has no stubs of its own
import pytest
import yaml

from deploy.reference import SCHEMAS, documents
from deploy.reference.growth import breaking_changes
from deploy.reference.records import records
from schemas.codec import encode
from schemas.events import Status
from schemas.topics import TOPICS
from tests.unit.deploy.examples import EXAMPLES

ROOT = Path(__file__).parents[3]
MADE = documents()
SCHEMA: dict[str, Any] = {
    "$ref": "#/$defs/Thing",
    "$defs": {
        "Thing": {
            "description": "A thing.",
            "type": "object",
            "properties": {
                "id": {"type": "string"},
                "size": {"anyOf": [{"type": "number"}, {"type": "null"}], "default": None},
                "state": {"$ref": "#/$defs/State"},
            },
            "required": ["id"],
        },
        "State": {"enum": ["new", "old"]},
    },
}


def changed(path: str, value: object) -> dict[str, Any]:
    """Give the schema with one part set, or taken away (value ...); `path` goes from $defs, joined by slashes."""
    made = copy.deepcopy(SCHEMA)
    *way, last = path.split("/")
    node = made["$defs"]
    for name in way:
        node = node[name]
    if value is ...:
        del node[last]
    else:
        node[last] = value
    return made


@pytest.mark.parametrize("name", sorted(MADE))
def test_every_generated_file_is_current(name: str) -> None:
    """What the repository tells of the bus, the API, the settings and the commands is what the code does."""
    path = ROOT / name
    assert path.exists(), f"{name} is missing: run `make reference`"
    there = path.read_text("utf-8")
    if name.startswith(SCHEMAS):
        assert breaking_changes(json.loads(there), json.loads(MADE[name])) == [], f"{name}: give it a new version tag"
    assert MADE[name] == there, f"{name} is stale: run `make reference`"


def test_no_schema_is_left_of_a_record_that_is_gone() -> None:
    """A file that nothing writes any more would tell of a record that nobody sends."""
    assert {Path(name).name for name in MADE if name.startswith(SCHEMAS)} == {
        path.name for path in (ROOT / SCHEMAS).iterdir()
    }


@pytest.mark.parametrize("name", sorted(records()))
def test_a_record_fits_its_schema(name: str) -> None:
    """What the codec writes is valid by the published schema, also with a field that a newer program added."""
    schema = json.loads(MADE[f"{SCHEMAS}/{name}.json"])
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    record = json.loads(encode(EXAMPLES[name]))
    assert [error.message for error in validator.iter_errors(record)] == []
    assert validator.is_valid(record | {"unknown": 1})
    required = schema["$defs"][schema["$ref"].rpartition("/")[2]]["required"]
    assert not validator.is_valid({field: value for field, value in record.items() if field != required[0]})


def test_times_are_described_as_times() -> None:
    """A reader in another language learns which texts are times, also where they may be missing."""
    alert = json.loads(MADE[f"{SCHEMAS}/alert.v1.json"])["$defs"]["Alert"]["properties"]
    assert alert["observed_at"]["format"] == "date-time"
    assert alert["expires_at"]["anyOf"][0]["format"] == "date-time"
    assert json.loads(MADE[f"{SCHEMAS}/zone.json"])["$defs"]["Zone"]["properties"]["valid_from"]["format"] == "date"


def references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield str(value)
            else:
                yield from references(value)
    elif isinstance(node, list):
        for each in node:
            yield from references(each)


@pytest.mark.parametrize("name", ["docs/reference/asyncapi.yaml", "docs/reference/openapi.json"])
def test_every_reference_leads_somewhere(name: str) -> None:
    """A program that reads the description finds every part that it names."""
    document = yaml.safe_load(MADE[name])
    for reference in references(document):
        if reference.startswith("./"):
            assert f"docs/reference/{reference[2:]}" in MADE, reference
            continue
        node = document
        for part in reference.removeprefix("#/").split("/"):
            assert part in node, reference
            node = node[part]


def test_asyncapi_tells_every_topic_and_who_reads_it() -> None:
    """The bus on one page: no topic is missing, and every topic but the ones for others is received by a hop."""
    document = yaml.safe_load(MADE["docs/reference/asyncapi.yaml"])
    assert list(document["channels"]) == [topic.name for topic in TOPICS]
    received = {o["channel"]["$ref"].rpartition("/")[2] for o in document["operations"].values()
                if o["action"] == "receive"}  # fmt: skip
    assert {topic.name for topic in TOPICS} - received == {"canh.incidents", "canh.dead-letters"}


def test_the_command_page_has_every_verb() -> None:
    """A verb that is not on the page would be found by nobody."""
    from deploy.cli import app

    page = MADE["docs/reference/cli.md"]
    verbs = [name for name in app if not name.startswith("-")]
    assert len(verbs) > 10
    assert [verb for verb in verbs if f"## canh {verb}\n" not in page] == []
    assert "- 3 the worker stopped" in page


_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def commands() -> Iterator[tuple[str, list[str]]]:
    """Give every `canh` command in a code block of a document, with the document's name."""
    for page in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")):
        for language, block in _BLOCK.findall(page.read_text("utf-8")):
            for line in re.split(r"\n|&&", block.replace("\\\n", " ")):
                found = re.match(r"(?:[A-Z_]+=\S+ |docker compose exec api )*(?:\.venv/bin/)?canh (.+)", line.strip())
                if found and not language:
                    yield page.name, shlex.split(found[1], comments=True)


@pytest.mark.parametrize(("page", "tokens"), [p for p in commands() if p[0] != "cli.md"])
def test_commands_in_the_documents_are_understood(page: str, tokens: list[str]) -> None:
    """What a page tells to type is parsed by the command line itself."""
    from deploy.cli import app

    app.parse_args(tokens, exit_on_error=False, print_error=False)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("Thing/description", "Another word."),
        ("Thing/properties/more", {"type": "string", "default": ""}),
        ("Thing/properties/size/default", 0),
        ("Thing/required", []),
        ("State/enum", ["new", "old", "older"]),
        ("Extra", {"type": "object"}),
    ],
)
def test_growth_is_borne(path: str, value: object) -> None:
    """Words for people, optional fields, new words of a list and new parts need no new version."""
    assert breaking_changes(SCHEMA, changed(path, value)) == []


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("Thing/properties/size", ..., "Thing.size: removed"),
        ("Thing/properties/id/type", "integer", "Thing.id: type was 'string', is 'integer'"),
        ("Thing/properties/id/format", "date-time", "Thing.id: format was None, is 'date-time'"),
        ("Thing/properties/size/anyOf", [{"type": "number"}], "Thing.size: anyOf was"),
        ("Thing/properties/state/$ref", "#/$defs/Other", "Thing.state: $ref was"),
        ("Thing/required", ["id", "size"], "Thing.size: now required"),
        ("Thing/additionalProperties", False, "Thing: additionalProperties was None, is False"),
        ("State/enum", ["new"], "State: no longer allows old"),
        ("State/enum", ..., "State: enum removed"),
        ("State", ..., "State: removed"),
    ],
)
def test_what_readers_cannot_bear_is_told(path: str, value: object, told: str) -> None:
    """A field that goes, changes its type or becomes required needs a new version of the record."""
    (line,) = breaking_changes(SCHEMA, changed(path, value))
    assert line.startswith(told)


def test_another_top_is_another_record() -> None:
    """A file whose schema suddenly means another part is a break too."""
    assert breaking_changes(SCHEMA, SCHEMA | {"$ref": "#/$defs/State"})


def test_the_life_cycle_is_in_the_schema() -> None:
    """The words of a status are published, so that a reader can show them all."""
    states = json.loads(MADE[f"{SCHEMAS}/incident.v1.json"])["$defs"]["Status"]["enum"]
    assert sorted(states) == sorted(Status)
