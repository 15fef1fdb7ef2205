"""Reads the SQL files beside it, gives named queries and migrations; nothing here runs them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources

_NAME = "-- name: "


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file: `name` without its ending, `checksum` the SHA-256 of its text."""

    name: str
    text: str

    @property
    def checksum(self) -> str:
        """Tell whether an applied file was changed afterwards."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@cache
def read(file: str) -> str:
    """Give the text of a file of this package, such as `schema.sql`."""
    return resources.files(__name__).joinpath(file).read_text(encoding="utf-8")


@cache
def named(file: str) -> dict[str, str]:
    """Give the pieces of a file: each begins with `-- name: NAME -- what it gives`. Raises ValueError on a twin."""
    pieces: dict[str, str] = {}
    for part in read(file).split(_NAME)[1:]:
        head, _, body = part.partition("\n")
        name, _, meaning = head.partition(" -- ")
        if name in pieces or not meaning:
            raise ValueError(f"{file}: piece {name!r} is there twice or has no description")
        pieces[name] = body.strip().rstrip(";")
    return pieces


def query(name: str) -> str:
    """Give one named query of queries.sql."""
    return named("queries.sql")[name]


def migrations() -> list[Migration]:
    """Give all migrations in order; raises ValueError when the numbers have a hole."""
    folder = resources.files(__name__).joinpath("migrations")
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    found = [Migration(f.name.removesuffix(".sql"), f.read_text(encoding="utf-8")) for f in files]
    for number, migration in enumerate(found, start=1):
        if not migration.name.startswith(f"{number:04d}_"):
            raise ValueError(f"migration {number:04d} is missing before {migration.name}")
    return found
