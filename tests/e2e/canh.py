"""Runs `canh` as its users do: as a process in a home of its own, read by what it prints and serves."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.server import free_port
from deploy.stack import WORKERS, answers_ready
from tests.lag import left
from tests.pids import noted_pid, noted_pid_or_none
from tests.servers import BrokerServer, DatabaseServer, chosen_broker, chosen_database

#: The services' own times to end, one after another (deploy/stack.py), come to less.
STOP_S = 120.0
PASSWORD = re.compile(r"^\s+(\w+)\s+((?:[a-z2-9]{4}-){3}[a-z2-9]{4})\s*$", re.MULTILINE)


@dataclass
class Canh:
    """A running `canh up` or `canh demo`."""

    process: subprocess.Popen[bytes]
    home: Path
    url: str
    log: Path
    env: Mapping[str, str]

    def printed(self) -> str:
        """Give all that it has printed so far."""
        return self.log.read_text("utf-8", "replace")

    def passwords(self) -> dict[str, str]:
        """Give the demo people's passwords, as they were printed."""
        return dict(PASSWORD.findall(self.printed()))

    def pid(self, name: str) -> int:
        """Give the process id of one of its services."""
        return noted_pid(self.home, name)

    def pid_or_none(self, name: str) -> int | None:
        """Give the process id of a service, None while it is being started."""
        return noted_pid_or_none(self.home, name)

    def health_urls(self) -> dict[str, str]:
        """Give where API and workers tell whether they are ready; empty before all are."""
        try:
            addresses = json.loads((self.home / "run" / "addresses.json").read_text())
        except FileNotFoundError:
            return {}
        return {name: f"{addresses[name]}/health/ready" for name in ("api", *WORKERS)}

    def all_ready(self) -> bool:
        """Ask API and workers whether they are ready."""
        urls = self.health_urls()
        return bool(urls) and all(answers_ready(url) for url in urls.values())

    def caught_up(self) -> bool:
        """Tell whether nothing is left to be worked on."""
        found = json.loads((self.home / "run" / "addresses.json").read_text())
        return left(found["kafka"], found["database_url"]) == 0

    def kill9(self, name: str) -> None:
        """End a service as a crash would."""
        os.kill(self.pid(name), signal.SIGKILL)

    def login(self, name: str) -> httpx.Client:
        """Give a client that is logged in as one of the demo's people."""
        client = httpx.Client(base_url=self.url, headers={"Origin": self.url}, timeout=60)
        wait_for(lambda: name in self.passwords(), 60, "the passwords")
        answer = client.post("/v1/session", json={"name": name, "password": self.passwords()[name]})
        assert answer.status_code == 200, answer.text
        client.headers["X-CSRF-Token"] = answer.json()["csrf"]
        return client

    def run(self, *arguments: str) -> str:
        """Run another command in the same home; it must succeed."""
        done = subprocess.run(
            [sys.executable, "-m", "deploy.cli", *arguments],
            env=self.env,
            capture_output=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"canh {' '.join(arguments)}: {done.stderr.decode()}"
        return done.stdout.decode()

    def stop(self, timeout_s: float = STOP_S) -> int:
        """Send SIGTERM and give the exit code; one that does not end is killed and tells its last lines."""
        self.process.terminate()
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            last = "\n".join(self.printed().splitlines()[-20:])
            raise AssertionError(f"canh did not end within {timeout_s:.0f} s; it printed:\n{last}") from None


@contextmanager
def canh(*arguments: str, broker: BrokerServer | None = None, database: DatabaseServer | None = None) -> Iterator[Canh]:
    """Start a command in a fresh home and wait until it is ready; embedded servers unless others are given."""
    home = Path(tempfile.mkdtemp(prefix="canh-e2e-"))
    home.chmod(0o711)
    port = free_port()
    env = os.environ | {
        "CANH_HOME": str(home), "CANH_API_PORT": str(port), "CANH_BROKER_PORT": "0", "CANH_DATABASE_PORT": "0",
        "CANH_LOG": "json", "PYTHONUNBUFFERED": "1",
    }  # fmt: skip
    env |= {} if broker is None else {"CANH_KAFKA": broker.bootstrap}
    env |= {} if database is None else {"CANH_DATABASE_URL": database.create_database()}
    log = home / "printed.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy.cli", *arguments], env=env, stdout=out, stderr=subprocess.STDOUT
        )
    running = Canh(process, home, f"http://127.0.0.1:{port}", log, env)
    try:
        wait_for(lambda: running.all_ready() or process.poll() is not None, 240, "readiness")
        assert process.poll() is None, running.printed()
        yield running
    finally:
        if process.poll() is None:
            running.stop()


@contextmanager
def wanted_servers() -> Iterator[dict[str, Any]]:
    """Start the real servers that CANH_TEST_BROKER and CANH_TEST_DATABASE name; nothing where embedded ones are meant.

    Give the result to `canh` as keywords.
    """
    wanted: dict[str, Any] = {"broker": chosen_broker(), "database": chosen_database()}
    given = {role: server for role, server in wanted.items() if not type(server).__name__.startswith("Embedded")}
    try:
        for server in given.values():
            if reason := server.unavailable():
                pytest.skip(reason)
            server.start()
            server.wait_ready(120)
        yield given
    finally:
        for server in wanted.values():
            server.stop()
            server.discard()


def wait_for(condition: Callable[[], Any], timeout_s: float, what: str) -> None:
    """Wait until something holds; fails the test when it does not in time."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not reached within {timeout_s:.0f} s"
        time.sleep(0.2)
