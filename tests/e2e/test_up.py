from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.e2e.canh import Canh, canh, wait_for
from tests.e2e.readme import ROOT, sending

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

Record = Callable[[str, object], None]
#: What is promised for a quiet machine of two cores; what is asserted is thrice that, times others' load on each core.
READY_S, MOST_READY_S = 20.0, 60.0
MOST_IDLE_BYTES = 900_000_000


@dataclass
class Up:
    """A `canh up` with embedded servers, and how long it took to be ready."""

    running: Canh
    ready_s: float
    load: float  # runnable processes per core before the start, at least 1


@pytest.fixture(scope="module")
def up() -> Iterator[Up]:
    load = max(1.0, psutil.getloadavg()[0] / (os.cpu_count() or 1))
    begun = time.monotonic()
    with canh("up") as running:
        yield Up(running, time.monotonic() - begun, load)


def test_it_is_ready_soon_and_small_while_idle(up: Up, record_property: Record) -> None:
    """From nothing, first start of broker and database included; memory counts what is shared once (PSS)."""
    time.sleep(5)  # what a start leaves behind is given back
    root = psutil.Process(up.running.process.pid)
    family = [root, *root.children(recursive=True)]
    idle_bytes = sum(process.memory_full_info().pss for process in family)
    record_property(f"ready after, s (promised: {READY_S:.0f})", round(up.ready_s, 1))
    record_property(f"idle memory of {len(family)} processes, MB", round(idle_bytes / 1e6))
    assert up.ready_s < MOST_READY_S * up.load
    assert idle_bytes < MOST_IDLE_BYTES


def test_the_readmes_commands_store_a_reading(up: Up, tmp_path: Path) -> None:
    """A stranger copies the block "Send something" into a shell, and the reading is there."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    command = tmp_path / "canh"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m deploy.cli "$@"\n')
    command.chmod(0o755)
    env = {**up.running.env, "PYTHONPATH": str(ROOT), "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    block = sending("README.md").replace("http://127.0.0.1:8420", up.running.url)
    done = subprocess.run(
        ["bash", "-euc", block], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout[done.stdout.index("{") :])
    assert (answer["accepted"], answer.get("refused", 0)) == (1, 0), done.stdout
    dsn = json.loads((up.running.home / "run" / "addresses.json").read_text())["database_url"]

    def stored() -> list[tuple[object, ...]]:
        with psycopg.connect(dsn) as connection:
            return connection.execute(
                "SELECT source, metric, value, source_value, source_unit FROM observation WHERE device = 'my-gauge'"
            ).fetchall()

    wait_for(stored, 60, "the reading")
    assert stored() == [("river", "water_level", 3.94, 394.0, "cm")]
