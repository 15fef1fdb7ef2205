"""Fixtures of the page tests: a browser, the scripted server, and the page with a person logged in."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from deploy.local.server import free_port
from tests.e2e.console.desk import PATIENCE_MS, Desk

ROOT = Path(__file__).resolve().parents[3]
START_S = 60.0


class MockServer:
    """The scripted server as a process."""

    def __init__(self, *arguments: str) -> None:
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        command = [sys.executable, "-m", "tests.e2e.console.mock_api", str(self.port), *arguments]
        self.process = subprocess.Popen(command, cwd=ROOT)
        self._wait()

    def _wait(self) -> None:
        until = time.monotonic() + START_S
        while True:
            try:
                urllib.request.urlopen(f"{self.base}/health/live", timeout=1).close()
            except (urllib.error.URLError, OSError):
                if time.monotonic() > until or self.process.poll() is not None:
                    raise
                time.sleep(0.05)
            else:
                return

    def order(self, what: str, **body: Any) -> dict[str, int]:
        """Give the scripted server an order of the test."""
        request = urllib.request.Request(f"{self.base}/mock/{what}", json.dumps(body).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=30) as answer:
            result: dict[str, int] = json.load(answer)
        return result

    def freeze(self) -> None:
        """Stop the process where it is: connections stay open, nothing answers."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        os.kill(self.process.pid, signal.SIGCONT)

    def end(self) -> None:
        """End the process."""
        self.thaw()
        self.process.kill()
        self.process.wait()


@pytest.fixture
def start_server() -> Iterator[Callable[..., MockServer]]:
    """Start a scripted server with the arguments of the test."""
    started: list[MockServer] = []

    def start(*arguments: str) -> MockServer:
        started.append(MockServer(*arguments))
        return started[-1]

    yield start
    for server in started:
        server.end()


@pytest.fixture
def server(start_server: Callable[..., MockServer]) -> MockServer:
    """Give a scripted server with 42 incidents and a beat every second."""
    return start_server()


@pytest.fixture
def open_desk(browser: Browser) -> Iterator[Callable[..., Desk]]:
    """Open pages that are blocked from everything but their server; at the end none may have had a fault."""
    desks: list[Desk] = []

    def open_(base: str, **options: Any) -> Desk:
        page = browser.new_page(viewport={"width": 1440, "height": 900}, **options)
        page.set_default_timeout(PATIENCE_MS)
        desks.append(Desk(page, base))
        return desks[-1]

    yield open_
    for desk in desks:
        desk.page.close()
    assert [desk.faults for desk in desks] == [[] for _ in desks]
    assert [desk.outside for desk in desks] == [[] for _ in desks]


@pytest.fixture
def desk(server: MockServer, open_desk: Callable[..., Desk]) -> Desk:
    """Give the page with a person logged in, list loaded, feed live."""
    desk = open_desk(server.base)
    desk.login("truc", "canh-gac-dem")
    desk.wait_rows()
    return desk
