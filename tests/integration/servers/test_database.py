from __future__ import annotations

import psycopg
import pytest

from tests.servers import DatabaseServer

pytestmark = pytest.mark.integration


def value(dsn: str, query: str) -> object:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def run(dsn: str, statement: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(statement.encode())


def test_every_database_is_fresh(database: DatabaseServer) -> None:
    """Two tests never see each other's tables."""
    first, second = database.create_database(), database.create_database()
    run(first, "CREATE TABLE here (id int)")
    assert value(first, "SELECT to_regclass('here') IS NOT NULL") is True
    assert value(second, "SELECT to_regclass('here') IS NULL") is True


@pytest.mark.parametrize(
    ("setting", "wanted"),
    [("fsync", "on"), ("synchronous_commit", "on"), ("TimeZone", "UTC"), ("server_encoding", "UTF8")],
)
def test_settings_are_the_safe_ones(database: DatabaseServer, setting: str, wanted: str) -> None:
    """A commit is on disk before it is answered, and times are UTC."""
    assert value(database.create_database(), f"SHOW {setting}") == wanted


def test_vietnamese_letters_fold(database: DatabaseServer) -> None:
    """Upper and lower case work for Vietnamese, whatever the locale of the machine."""
    assert value(database.create_database(), "SELECT lower('ĐƯỜNG NGẬP')") == "đường ngập"


def test_wrong_password_is_refused(database: DatabaseServer) -> None:
    """Being on this machine is not enough to get in."""
    dsn = database.create_database()
    secret = psycopg.conninfo.conninfo_to_dict(dsn)["password"]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(dsn.replace(str(secret), "guess"))


def test_restart_keeps_committed_rows(database: DatabaseServer) -> None:
    """A polite restart and a crash both keep what was committed, at the same address."""
    dsn = database.create_database()
    run(dsn, "CREATE TABLE kept (id int)")
    run(dsn, "INSERT INTO kept VALUES (1)")
    database.restart()
    run(dsn, "INSERT INTO kept VALUES (2)")
    database.kill9()
    database.restart()
    assert value(dsn, "SELECT count(*) FROM kept") == 2
