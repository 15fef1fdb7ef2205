from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: A Python that says it is 3.9, which `venv` and pip would accept.
OLD = f"""#!/bin/sh
exec {sys.executable} -c 'import sys; sys.version_info = (3, 9, 0); exec(sys.argv[2])' "$@"
"""


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_an_old_python_is_one_sentence_before_anything_is_installed(tmp_path: Path) -> None:
    """Not the hundredth line of what pip has to say."""
    old = tmp_path / "python3"
    old.write_text(OLD)
    old.chmod(0o755)
    done = subprocess.run(
        ["make", "demo", f"PYTHON={old}", f"VENV={tmp_path / 'venv'}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert f"Canh needs Python 3.11 or newer, and {old} is 3.9" in done.stderr
    assert not (tmp_path / "venv").exists()
