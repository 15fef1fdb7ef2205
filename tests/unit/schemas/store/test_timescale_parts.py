from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg import errors

from schemas.errors import BackpressureError, OverloadError, PoisonMessageError, UsageError
from schemas.store.abstract import Commit, Committed
from schemas.store.timescale import TimescaleStore
from schemas.store.timescale.arrays import array
from schemas.store.timescale.edition import ask, version_of
from schemas.store.timescale.failures import translate

DSN = "postgresql://127.0.0.1:9/none"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (errors.AdminShutdown("x"), BackpressureError),
        (errors.CannotConnectNow("x"), BackpressureError),
        (errors.TooManyConnections("x"), BackpressureError),
        (errors.DiskFull("x"), BackpressureError),
        (errors.LockNotAvailable("x"), BackpressureError),
        (errors.QueryCanceled("x"), OverloadError),
        (errors.DeadlockDetected("x"), BackpressureError),
        (errors.ReadOnlySqlTransaction("x"), BackpressureError),
        (psycopg.OperationalError("connection lost"), BackpressureError),
        (errors.NumericValueOutOfRange("x"), PoisonMessageError),
        (errors.UntranslatableCharacter("x"), PoisonMessageError),
        (errors.NotNullViolation("x"), PoisonMessageError),
        (errors.CheckViolation("x"), PoisonMessageError),
        (errors.ProgramLimitExceeded("x"), PoisonMessageError),
        (psycopg.DataError("NUL"), PoisonMessageError),
        (errors.UndefinedTable("x"), type(None)),
        (errors.UndefinedColumn("x"), type(None)),
        (errors.InsufficientPrivilege("x"), type(None)),
        (errors.UniqueViolation("x"), type(None)),
        (psycopg.ProgrammingError("x"), type(None)),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value.__name__,
)
def test_each_class_of_error_has_its_way(error: psycopg.Error, expected: type) -> None:
    """Infrastructure is waited for, data refused, faults of schema, rights and SQL stay loud."""
    assert type(translate(error)) is expected


class Clashing(TimescaleStore):
    """A store whose transactions meet others some times."""

    def __init__(self, clashes: int) -> None:
        super().__init__(DSN)
        self.left = clashes

    async def _commit(self, commit: Commit) -> Committed:
        if self.left:
            self.left -= 1
            raise errors.DeadlockDetected("met")
        return Committed(inserted=1)


async def test_a_clash_of_transactions_is_repeated() -> None:
    """Twice is repeated at once; a third time is backpressure."""
    assert (await Clashing(2).commit(Commit())).inserted == 1
    with pytest.raises(BackpressureError):
        await Clashing(3).commit(Commit())


class Answering:
    """A connection that answers the one question of `ask`."""

    def __init__(self, *row: Any) -> None:
        self.row = row

    async def execute(self, _text: str) -> Answering:
        """Take the question."""
        return self

    async def fetchone(self) -> tuple[Any, ...]:
        """Give the answer."""
        return self.row


@pytest.mark.parametrize(
    ("extension", "license_name", "name", "policies"),
    [
        (None, None, "plain", False),
        ("2.19.3", "apache", "apache", False),
        ("2.23.1-dev", "timescale", "timescale", True),
    ],
)
async def test_the_edition_follows_the_answer(
    extension: str | None,
    license_name: str | None,
    name: str,
    policies: bool,
) -> None:
    """Without the extension plain, else by the licence that the server runs under."""
    connection: Any = Answering("17.2", 170002, "UTC", extension, license_name, True)
    edition = await ask(connection)
    assert (edition.name, edition.hypertables, edition.policies) == (name, extension is not None, policies)


@pytest.mark.parametrize(
    "row", [("14.9", 140009, "UTC", None, None, False), ("16", 160000, "UTC", "2.18.2", "x", True)]
)
async def test_old_servers_are_refused(row: tuple[Any, ...]) -> None:
    """PostgreSQL below 15 and TimescaleDB below 2.19 stop the start with the mend."""
    connection: Any = Answering(*row)
    with pytest.raises(UsageError, match=r"15 or newer|2\.19 or newer"):
        await ask(connection)


def test_versions_are_compared_by_number() -> None:
    """2.9 is older than 2.19."""
    assert version_of("2.9.1") < version_of("2.19.0-dev") == (2, 19, 0)


def test_array_literals() -> None:
    """Quotes and backslashes are escaped, nothing else needs to be."""
    assert array(()) == "{}"
    assert array(('a"b', "c\\", "{d},")) == '{"a\\"b","c\\\\","{d},"}'
