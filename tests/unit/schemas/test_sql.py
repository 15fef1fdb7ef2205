from __future__ import annotations

import re
from pathlib import Path

import pytest

from schemas import sql

STORE = Path(sql.__file__).parent.parent / "store" / "timescale"


def test_every_named_query_is_used_and_there() -> None:
    """The code asks for no query that is missing, and no query lies unused."""
    code = "\n".join(path.read_text(encoding="utf-8") for path in STORE.glob("*.py"))
    words = set(re.findall(r'"([a-z_]+)"', code))
    filters = {name for name in sql.named("queries.sql") if name.startswith("only_")}
    assert set(sql.named("queries.sql")) - filters <= words
    assert set(sql.named("timescale.sql")) <= words


def test_migrations_are_numbered_without_holes() -> None:
    """Names begin with 0001 and go on; the checksum is of the text."""
    found = sql.migrations()
    assert [migration.name[:5] for migration in found] == [f"{i:04d}_" for i in range(1, len(found) + 1)]
    assert all(len(migration.checksum) == 64 for migration in found)


def test_a_query_that_is_there_twice_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two pieces of one name, or a piece without a description, raise ValueError with the name."""
    for text in ("-- name: a -- x\nSELECT 1;\n-- name: a -- y\nSELECT 2;", "-- name: a\nSELECT 1;"):
        monkeypatch.setattr(sql, "read", lambda _file, text=text: text)
        with pytest.raises(ValueError, match="'a'"):
            sql.named.__wrapped__("queries.sql")
