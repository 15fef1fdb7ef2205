from __future__ import annotations

import errno
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from deploy.local.home import Home, choose_port
from deploy.local.pidfile import PidFile
from schemas.errors import UsageError


def test_second_opening_names_the_first(tmp_path: Path) -> None:
    """Two runs in one HOME: the second learns who runs and what to do."""
    with Home(tmp_path / "h"), pytest.raises(UsageError) as refused, Home(tmp_path / "h"):
        pass
    assert f"process {os.getpid()}" in str(refused.value)
    assert "CANH_HOME" in str(refused.value)


def test_close_leaves_no_lock(tmp_path: Path) -> None:
    """After closing, no lock is left and the next opening succeeds."""
    with Home(tmp_path / "h") as first:
        first.publish({"kafka": "127.0.0.1:1"})
    assert [path.name for path in (tmp_path / "h").rglob("*") if path.is_file()] == []
    with Home(tmp_path / "h"):
        pass


def test_addresses_are_found_only_while_somebody_runs(tmp_path: Path) -> None:
    """Another command finds the running servers, and nothing after a crash that left the file."""
    other = Home(tmp_path / "h")
    assert other.addresses() == {}
    with Home(tmp_path / "h") as running:
        running.publish({"kafka": "127.0.0.1:19092"})
        published = tmp_path / "h" / "run" / "addresses.json"
        assert other.addresses() == {"kafka": "127.0.0.1:19092"}
        assert stat.S_IMODE(published.stat().st_mode) == 0o600
        left = published.read_text()
    published.write_text(left)
    assert other.addresses() == {}
    with Home(tmp_path / "h"):
        assert other.addresses() == {}, "a crash's addresses, given out while its successor starts"


def test_full_disk_is_told_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Less than 1 GB free gives one sentence with both numbers and the way out."""
    monkeypatch.setattr("shutil.disk_usage", lambda _path: SimpleNamespace(free=300_000_000))
    with pytest.raises(UsageError, match=r"0\.3 GB free; 1 GB are needed.*CANH_HOME"):
        Home(tmp_path / "h").open()


def test_home_that_cannot_be_made(tmp_path: Path) -> None:
    """A file where the directory should be gives a sentence, no traceback."""
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="Cannot make the data directory"):
        Home(tmp_path / "file" / "h").open()


def test_a_home_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    """Whoever only looks is told too: a file is no data directory."""
    (tmp_path / "file").write_text("")
    for look in (Home.in_use, Home.addresses):
        with pytest.raises(UsageError, match=r"cannot be read: Not a directory.*CANH_HOME"):
            look(Home(tmp_path / "file"))


def test_port_in_use_names_the_variable() -> None:
    """A taken port gives the port, the holder and the variable to change."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError) as refused:
            choose_port(port, "broker", "CANH_BROKER_PORT")
    assert f"Port {port} for the broker" in str(refused.value)
    assert f"process {os.getpid()}" in str(refused.value)
    assert "CANH_BROKER_PORT=0" in str(refused.value)


def test_port_choice() -> None:
    """A free port is taken as asked, 0 gives some free one."""
    free = choose_port(0, "broker", "CANH_BROKER_PORT")
    assert free > 0
    assert choose_port(free, "broker", "CANH_BROKER_PORT") == free


def test_a_port_is_tried_where_the_server_will_listen() -> None:
    """Taken on one address is free on another, and an address of another machine is no port in use."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.2", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert choose_port(port, "API", "CANH_API_PORT", "127.0.0.1") == port
        for host in ("127.0.0.2", "0.0.0.0"):
            with pytest.raises(UsageError, match=f"Port {port} for the API"):
                choose_port(port, "API", "CANH_API_PORT", host)
    for host in ("192.0.2.1", "nobody.invalid"):
        with pytest.raises(UsageError, match=f"cannot listen on {host}.*CANH_API_HOST"):
            choose_port(port, "API", "CANH_API_PORT", host)


def test_logs_are_bounded_while_they_are_written(tmp_path: Path) -> None:
    """A log past its limit is moved aside, and the writer's next line lands at the start of an empty file."""
    with Home(tmp_path / "h") as home, (home.logs_dir / "worker.log").open("a") as writer:
        writer.write("x" * 100)
        writer.flush()
        home.bound_logs(100)
        assert (home.logs_dir / "worker.log").stat().st_size == 100
        home.bound_logs(99)
        writer.write("next")
        writer.flush()
        assert (home.logs_dir / "worker.log").read_text() == "next"
        assert (home.logs_dir / "worker.log.1").read_text() == "x" * 100


def test_logs_are_bounded_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be moved is emptied: Canh goes on, and the space is free."""

    def full(source: Path, target: Path) -> None:
        target.write_bytes(source.read_bytes()[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("shutil.copyfile", full)
    with Home(tmp_path / "h") as home:
        (home.logs_dir / "worker.log").write_text("x" * 100)
        home.bound_logs(99)
        assert {log.name: log.stat().st_size for log in home.logs_dir.iterdir()} == {"worker.log": 0}


def test_a_disk_that_fills_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it is full, with what to do; nothing is said while there is space."""
    home = Home(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda _path: SimpleNamespace(free=150_000_000))
    assert home.shortage().startswith(f"150 MB are free at {tmp_path}: ")
    assert "Free some space" in home.shortage()
    monkeypatch.setattr("shutil.disk_usage", lambda _path: SimpleNamespace(free=300_000_000))
    assert home.shortage() == ""


@pytest.fixture
def sleeper() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])


def test_leftover_process_is_ended(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    """What a crashed run left behind is ended with the signal it was noted with, before the next one starts."""
    with Home(tmp_path / "h") as home:
        home.pid_file("worker").write(sleeper.pid, signal.SIGUSR1)  # SIGINT is ignored where tests run with `&`
    with Home(tmp_path / "h"):
        assert sleeper.wait(5) == -signal.SIGUSR1
    assert not (tmp_path / "h" / "run" / "worker.pid").exists()


@pytest.mark.parametrize("content", ["", "no json", "[]", '{"pid": 4194305}', '{"pid": "x", "started": 1}'])
def test_broken_pid_file_is_removed(tmp_path: Path, content: str) -> None:
    """A pid file that says nothing usable never stops a start."""
    (tmp_path / "a.pid").write_text(content)
    PidFile(tmp_path / "a.pid").end_leftover()
    assert not (tmp_path / "a.pid").exists()


def test_pid_of_another_program_is_left_alone(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    """A pid that was used again belongs to somebody else, who is not touched."""
    started = psutil.Process(sleeper.pid).create_time() - 3600
    note = tmp_path / "a.pid"
    note.write_text(f'{{"pid": {sleeper.pid}, "started": {started}, "stop_signal": 15}}')
    PidFile(note).end_leftover()
    assert sleeper.poll() is None
    assert not note.exists()
    sleeper.kill()
    sleeper.wait()
