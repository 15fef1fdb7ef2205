"""Real TimescaleDB (Apache edition) under test: Debian 13's packages in a chroot of the tests' cache.

Needs root for the chroot. The first run lets debootstrap fetch the packages (about a minute, 700 MB).
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import psycopg

from deploy.local.leftovers import stop_postgres_leftovers
from deploy.local.postgres import ROLE, SETTINGS
from deploy.local.process import Command, run_to_end
from deploy.local.server import LOOPBACK, EmbeddedServer
from tests.servers import cache_dir, staged
from tests.servers.embedded import fresh_database

SUITE = "trixie"
PACKAGES = "postgresql-17,postgresql-17-timescaledb"
BIN = "/usr/lib/postgresql/17/bin"
EXTRA_SETTINGS = {
    "shared_preload_libraries": "timescaledb",
    "dynamic_shared_memory_type": "mmap",  # the chroot has no /dev/shm
    "max_worker_processes": "16",  # one for each database that has the extension
    "timescaledb.max_background_workers": "12",
}


class Timescale(EmbeddedServer):
    """PostgreSQL 17 with TimescaleDB; the settings are the embedded server's, as far as they are not its own."""

    name = "timescale"
    stop_timeout_s = 30.0

    def __init__(self, home: Path, *, port: int = 0) -> None:
        super().__init__(home, port=port)
        self._base: Path | None = None  # below the chroot's /var/tmp
        self._password = secrets.token_urlsafe(24)

    def unavailable(self) -> str | None:
        """Tell when there is no root, or no debootstrap for the first run."""
        if os.geteuid() != 0:
            return "TimescaleDB under test needs root (chroot)"
        if not chroot_dir().exists() and shutil.which("debootstrap") is None:
            return "TimescaleDB under test needs debootstrap: apt-get install debootstrap"
        return None

    @property
    def data_dir(self) -> Path:
        """The data directory as this machine sees it; valid after the first start."""
        assert self._base is not None
        return self._base / "data"

    @property
    def dsn(self) -> str:
        """The address of the administrator's database."""
        return self._dsn_of("postgres")

    def create_database(self) -> str:
        """Make an empty database with the extension, as the production image does, and give its dsn."""
        dsn = self._dsn_of(fresh_database(self.dsn))
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
        return dsn

    def prepare(self) -> None:
        """Fetch the packages once, make the cluster once, clear what a crash left."""
        fetch_packages()
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        if self._base is None:
            self._create_cluster()
        stop_postgres_leftovers(self.data_dir)

    def command(self) -> Command:
        """PostgreSQL inside the chroot."""
        settings = SETTINGS | EXTRA_SETTINGS
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        argv = _inside_chroot(f"{BIN}/postgres", "-D", _seen_inside(self.data_dir), "-p", str(self.port), *options)
        return Command(argv, self.log_path, stop_signal=signal.SIGINT)

    def answers(self) -> bool:
        """Log in."""
        try:
            psycopg.connect(self.dsn, connect_timeout=1).close()
        except psycopg.OperationalError:
            return False
        return True

    def discard(self) -> None:
        """Remove its data."""
        if self._base is not None:
            shutil.rmtree(self._base, ignore_errors=True)
        shutil.rmtree(self.home, ignore_errors=True)

    def _dsn_of(self, database: str) -> str:
        return f"postgresql://{ROLE}:{self._password}@{LOOPBACK}:{self.port}/{database}"

    def _create_cluster(self) -> None:
        base = Path(tempfile.mkdtemp(prefix="canh-test-", dir=chroot_dir() / "var/tmp"))
        secret = base / "password"
        secret.write_text(self._password, encoding="ascii")
        _give_to_postgres(base, secret)
        argv = (f"{BIN}/initdb", "-D", _seen_inside(base / "data"), "-U", ROLE, "--pwfile", _seen_inside(secret))
        options = ("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C")
        provider = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        run_to_end(Command(_inside_chroot(*argv, *options, *provider, "--no-sync"), self.log_path))
        self._base = base


def chroot_dir() -> Path:
    """Where the chroot is, made or not."""
    return cache_dir() / f"timescale-{SUITE}"


def fetch_packages() -> None:
    """Let debootstrap make the chroot, once."""
    if chroot_dir().exists():
        return
    place = staged(chroot_dir())
    argv = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, str(place), *_mirror()]
    subprocess.run(argv, check=True, timeout=900, stdout=subprocess.DEVNULL)
    place.rename(chroot_dir())


def _mirror() -> list[str]:
    """Give the Debian mirror that this machine's apt uses; nothing lets debootstrap take its own default."""
    for source in [*Path("/etc/apt/sources.list.d").glob("*.sources"), Path("/etc/apt/sources.list")]:
        text = source.read_text(encoding="utf-8") if source.exists() else ""
        found = re.search(r"^(?:URIs:|deb(?: \[.*\])?)\s+(\S+/debian)/?(?:\s|$)", text, re.MULTILINE)
        if found:
            return [found.group(1)]
    return []


def _inside_chroot(*argv: str) -> tuple[str, ...]:
    """Change root, then user; only then bind to the life of the parent, which the change of user would undo."""
    user = ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--pdeathsig=INT")
    return (shutil.which("chroot") or "chroot", str(chroot_dir()), *user, *argv)


def _seen_inside(path: Path) -> str:
    return f"/{path.relative_to(chroot_dir())}"


def _give_to_postgres(*paths: Path) -> None:
    owner = (chroot_dir() / "var/lib/postgresql").stat()
    for path in paths:
        os.chown(path, owner.st_uid, owner.st_gid)
