from __future__ import annotations

from pathlib import Path

import pytest

from deploy.commands.source import read_sources
from schemas.errors import UsageError
from schemas.events import Source

GOOD = "id: a\nkind: sensor\nformat: native\n"


def test_a_file_gives_its_sources(tmp_path: Path) -> None:
    """A file holds one source or a list of them."""
    file = tmp_path / "sources.yaml"
    file.write_text(GOOD)
    assert read_sources(file) == [Source(id="a", kind="sensor", format="native")]


def test_a_slip_of_the_pen_is_told(tmp_path: Path) -> None:
    """A field that no source has would be passed over in silence, and the cadence be missing."""
    file = tmp_path / "sources.yaml"
    file.write_text(f"{GOOD}cadence: 600\n")
    with pytest.raises(UsageError, match="cadence"):
        read_sources(file)
