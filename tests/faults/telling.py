"""Makes a failed fault test tell what was going on: reads senders, database, services and logs, gives a short text."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import psycopg

from tests.e2e.canh import Canh
from tests.faults.ledger import Ledger, Poisoner

#: What a failed test had to tell; its report shows it (tests/faults/conftest.py).
TOLD: list[str] = []
#: A report shows about 150 lines of a run, and two tests may fail.
MOST_LINES = 60
LINE_CHARS = 220


@dataclass
class Scene:
    """What a test has at hand when it fails; filled while it goes on."""

    running: Canh
    began: float = field(default_factory=time.monotonic)
    ledger: Ledger | None = None
    poisoner: Poisoner | None = None
    dsn: str = ""
    senders: list[Future[None]] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)

    def note(self, what: str) -> None:
        """Remember when something was done."""
        self.steps.append(f"{time.monotonic() - self.began:.1f} s {what}")


@contextmanager
def telling(running: Canh) -> Iterator[Scene]:
    """On any failure describe the scene before anything is stopped; the end of the run shows it."""
    scene = Scene(running)
    try:
        yield scene
    except BaseException as error:
        TOLD.append("\n".join(line[:LINE_CHARS] for line in [f"{type(error).__name__}: {error}", *describe(scene)]))
        raise


def describe(scene: Scene) -> list[str]:
    """Give the decisive lines first (senders, rows, readiness), then the ends of the logs."""
    lines = [
        f"steps: {'; '.join(scene.steps[-8:])}", *_senders(scene), _rows(scene), *_health(scene.running), _machine(),
    ]  # fmt: skip
    logs = [scene.running.log, *sorted((scene.running.home / "logs").glob("*.log"))]
    each = max((MOST_LINES - len(lines)) // len(logs) - 1, 3)
    for log in logs:
        lines += [f"--- {log.name}", *tail(log, each)]
    return lines


def tail(log: Path, count: int) -> list[str]:
    """Give the last lines that say something: no mere information, and repeats of one line are counted."""
    try:
        found = log.read_text("utf-8", "replace").splitlines()[-2000:]
    except OSError as error:
        return [str(error)]
    short: list[tuple[str, int]] = []
    for line in filter(str.strip, map(_readable, found)):
        if short and _same(short[-1][0], line):
            short[-1] = (line, short[-1][1] + 1)
        else:
            short.append((line, 1))
    return [line if times == 1 else f"({times} times) {line}" for line, times in short[-count:]]


def _readable(line: str) -> str:
    """Give a line of our own JSON logs in short, nothing for information; other lines as they are."""
    try:
        entry = json.loads(line)
    except ValueError:
        return line
    if not isinstance(entry, dict) or entry.get("level") in {"info", "debug"}:
        return ""
    error = str(entry.get("exception", "")).strip().rpartition("\n")[2]
    words = (str(entry.get("timestamp"))[11:21], entry.get("level"), entry.get("logger"), entry.get("event"), error)
    return " ".join(str(word) for word in words if word).replace("\n", " ")


def _same(one: str, other: str) -> bool:
    """Two lines that differ in numbers only (times, ports, offsets) are the same for a reader."""
    digits = str.maketrans("", "", "0123456789")
    return one.translate(digits) == other.translate(digits)


def _senders(scene: Scene) -> list[str]:
    ledger, poisoner = scene.ledger, scene.poisoner
    if ledger is None or poisoner is None:
        return ["senders: not begun"]
    ends = [repr(each.exception()) if each.done() else "at work" for each in scene.senders]
    return [
        f"ledger: {ledger.progress()}",
        f"ledger answers: {dict(ledger.answers)}; last that was no 202: {ledger.last_answer or 'none'}",
        f"senders: {', '.join(ends)}; {len(poisoner.sent)} bad ones sent",
    ]


def _rows(scene: Scene) -> str:
    try:
        with psycopg.connect(scene.dsn, connect_timeout=2) as connection:
            row = connection.execute(
                """SELECT (SELECT count(*) FROM observation WHERE device LIKE 'ledger-%'),
                          (SELECT count(*) FROM dead_letter WHERE source = 'ledger')"""
            ).fetchone()
            done = connection.execute(
                "SELECT hop || ' ' || topic || ' ' || sum(next_offset) FROM stream_offset GROUP BY hop, topic"
            ).fetchall()
    except psycopg.Error as error:
        return f"rows: {error!r}"
    assert row is not None
    return f"rows: {row[0]}, refusals: {row[1]}; offsets: {'; '.join(sorted(text for (text,) in done))}"


def _health(running: Canh) -> list[str]:
    lines = [f"canh: {'runs' if running.process.poll() is None else f'ended with {running.process.returncode}'}"]
    for name, url in running.health_urls().items():
        try:
            answer = httpx.get(url, timeout=5)
            lines.append(f"{name}: {answer.status_code} {' | '.join(answer.text.splitlines())}")
        except httpx.HTTPError as error:
            lines.append(f"{name}: {error!r}")
    pids = {path.stem: running.pid_or_none(path.stem) for path in (running.home / "run").glob("*.pid")}
    return [*lines, f"processes: {pids}"]


def _machine() -> str:
    load, memory = psutil.getloadavg(), psutil.virtual_memory()
    return (
        f"machine: {psutil.cpu_count()} cores, load {load[0]:.1f} {load[1]:.1f}, "
        f"memory {memory.available / 1e9:.1f} of {memory.total / 1e9:.1f} GB free"
    )
