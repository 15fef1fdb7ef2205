"""What the verbs share: settings that know of a running `canh up`, an open store, output for people or machines."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from deploy.bootstrap import open_store
from deploy.local.home import Home
from deploy.settings import Settings
from schemas.errors import UsageError
from schemas.store.timescale import TimescaleStore

T = TypeVar("T")

#: For people: progress and remarks go to standard error, results to standard output.
remarks = Console(stderr=True, highlight=False)
#: Where no terminal watches (a pipe, a file), lines are as long as they are: nothing is cut for a screen.
PIPE_COLUMNS = 100_000
results = Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_COLUMNS)


def settings_here() -> Settings:
    """Read the settings; where no server is set, those of the `canh up` that runs in this home are used.

    Raises UsageError while that `canh up` is still starting.
    """
    settings = Settings.load()
    if settings.kafka and settings.database_url:
        return settings
    home = Home(settings.home)
    running = home.addresses()
    if not running and home.in_use():
        raise UsageError(f"Canh is still starting in {home.path}. Wait until it says that it is ready, then try again.")
    known: dict[str, object] = {}
    if not settings.kafka and running.get("kafka"):
        known["kafka"] = running["kafka"]
    if not settings.database_url and running.get("database_url"):
        known["database_url"] = SecretStr(running["database_url"])
    return settings.model_copy(update=known)


def with_store(work: Callable[[TimescaleStore], Awaitable[T]], settings: Settings | None = None) -> T:
    """Run some work with an open store."""
    chosen = settings or settings_here()

    async def go() -> T:
        async with open_store(chosen, "cli") as store:
            return await work(store)

    return asyncio.run(go())


def show(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, as_json: bool) -> None:
    """Print a table for people, or one JSON array of objects for machines."""
    if as_json:
        json.dump([dict(zip(columns, row, strict=True)) for row in rows], sys.stdout, default=str, ensure_ascii=False)
        sys.stdout.write("\n")
        return
    table = Table(title=title, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, no_wrap=number == 0, overflow="fold")  # names are copied: none may be cut
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    results.print(table)
