from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.servers import staged


def left_by(target: Path, pid: int) -> Path:
    """Give what a fetch by a process has staged so far."""
    place = target.with_name(f"{target.name}.{pid}")
    place.mkdir()
    (place / "half.jar").touch()
    return place


def ended() -> int:
    """Give the id of a process that is no more."""
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


def test_what_an_interrupted_fetch_left_is_removed(tmp_path: Path) -> None:
    """Of processes that are gone, and of an earlier one that had our own number; one at work keeps its own."""
    target = tmp_path / "kafka-4.1.0"
    gone, ours, at_work = (left_by(target, pid) for pid in (ended(), os.getpid(), os.getppid()))
    assert staged(target) == ours
    assert [gone.exists(), ours.exists(), at_work.exists()] == [False, False, True]


def test_nothing_is_deleted_through_a_mount(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chroot with /proc mounted inside stays: what is below is this machine's."""
    left = left_by(tmp_path / "timescale", ended())
    part = type("Part", (), {"mountpoint": str(left / "proc")})
    monkeypatch.setattr(psutil, "disk_partitions", lambda **_: [part])
    staged(tmp_path / "timescale")
    assert left.exists()
