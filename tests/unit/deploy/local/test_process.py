from __future__ import annotations

import os
import sys
from pathlib import Path

from deploy.local.process import Command, run_to_end


def test_a_child_runs_with_the_niceness_that_it_is_given(tmp_path: Path) -> None:
    """It is added to our own before the program begins; nice(2) says no more than 19."""
    log = tmp_path / "x.log"
    run_to_end(Command((sys.executable, "-c", "import os; print(os.nice(0))"), log, nice=5))
    assert int(log.read_text()) == min(os.nice(0) + 5, 19)
