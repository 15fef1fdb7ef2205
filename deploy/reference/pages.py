"""Gives the pages of the HTTP API, of the settings and of the command line, as text."""

from __future__ import annotations

import json
import re
from pathlib import Path

from pydantic import SecretStr
from pydantic.fields import FieldInfo

import deploy.cli
from api.app import create_app
from api.config import ApiConfig
from deploy.bootstrap import now
from deploy.door import Door
from deploy.settings import Settings
from schemas.bus.memory import MemoryPublisher
from schemas.store.memory import MemoryStore

#: cyclopts 5.4 puts the words of `python -m MODULE` into the usage of nested commands; they depend on who asks.
_PROGRAM = re.compile(r"^(canh .*?) -m [\w.]+", re.MULTILINE)
_SETTINGS = """# Settings
<!-- Written by `make reference` from deploy/settings.py. -->
Canh reads its settings from the environment, or from a file `.env` in the working directory; the environment wins.
A wrong value stops the command with exit code 2 and a message that names the variable, the problem and an example.

| variable | default | example | meaning |
| --- | --- | --- | --- |
"""


def openapi() -> str:
    """Give the OpenAPI description of the HTTP API as JSON text."""
    app = create_app(
        store=MemoryStore(),
        publisher=MemoryPublisher(),
        check=Door(lateness_s=3600, future_s=300),
        clock=now,
        config=ApiConfig(),
    )
    return json.dumps(app.openapi(), indent=2, ensure_ascii=False) + "\n"


def settings_page() -> str:
    """Give the table of all settings as Markdown."""
    return _SETTINGS + "".join(_row(name, field) for name, field in Settings.model_fields.items())


def cli_page() -> str:
    """Give the help of every command as Markdown, with the exit codes."""
    text = _PROGRAM.sub(r"\1", deploy.cli.app.generate_docs(output_format="markdown", heading_level=1))
    listed = "\n".join(f"- {code} {meaning}" for code, meaning in deploy.cli.EXIT_CODES.items())
    title, _, rest = text.partition("\n")
    head = "<!-- Written by `make reference` from deploy/commands. -->"
    return f"{title}\n{head}\n{rest.rstrip()}\n\n## Exit codes\n\n{listed}\n"


def _row(name: str, field: FieldInfo) -> str:
    default = _shown(field.default)
    example = field.examples[0] if field.examples else ""
    return f"| `CANH_{name.upper()}` | {default} | {f'`{example}`' if example else ''} | {field.description} |\n"


def _shown(value: object) -> str:
    if value is None or value in ((), ""):
        return "unset"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, SecretStr):
        return "secret"
    return f"`{value.as_posix() if isinstance(value, Path) else value}`"
