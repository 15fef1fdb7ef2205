"""Gives the reference pages that follow from the code: `make reference` writes them, a test keeps them current."""

from __future__ import annotations

from deploy.reference.bus import asyncapi
from deploy.reference.pages import cli_page, openapi, settings_page
from deploy.reference.records import schemas
from deploy.settings import env_example

#: Where the JSON Schemas of the records are, under the repository's root.
SCHEMAS = "docs/reference/schema"


def documents() -> dict[str, str]:
    """Give every generated file's text by its path under the repository's root."""
    return {
        **{f"{SCHEMAS}/{name}.json": text for name, text in schemas().items()},
        "docs/reference/asyncapi.yaml": asyncapi(),
        "docs/reference/openapi.json": openapi(),
        "docs/reference/settings.md": settings_page(),
        "docs/reference/cli.md": cli_page(),
        ".env.example": env_example(),
    }
