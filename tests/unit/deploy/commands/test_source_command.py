from __future__ import annotations

from pathlib import Path

import pytest

from deploy.commands.source import read_sources
from schemas.errors import UsageError

GOOD = "{id: river, kind: sensor, format: native, cadence_s: 600}"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (f"[{GOOD}, {{id: air, kind: sensor, format: native, cadence_s: 0}}]", "'air': cadence_s is 0.0"),
        ("{id: river, kind: sensor, format: native, lon: 108}", "lat: position has only one of lon and lat"),
        ("{id: river, kind: sensor}", "format"),
        ("{id: river", "yaml"),
    ],
)
def test_a_file_of_sources_is_refused_by_its_name_and_what_is_wrong(tmp_path: Path, text: str, named: str) -> None:
    """One bad source of many refuses the file: nothing of it is registered."""
    file = tmp_path / "source.yaml"
    file.write_text(text)
    with pytest.raises(UsageError) as refused:
        read_sources(file)
    assert str(refused.value).startswith(f"{file}: ")
    assert named in str(refused.value)


def test_a_good_file_is_read(tmp_path: Path) -> None:
    """One source or a list of them."""
    file = tmp_path / "source.yaml"
    file.write_text(GOOD)
    assert [source.id for source in read_sources(file)] == ["river"]


def test_a_slip_of_the_pen_is_told(tmp_path: Path) -> None:
    """A field that no source has would be passed over in silence, and the cadence be missing."""
    file = tmp_path / "sources.yaml"
    file.write_text("{id: a, kind: sensor, format: native, cadence: 600}")
    with pytest.raises(UsageError, match="cadence"):
        read_sources(file)
