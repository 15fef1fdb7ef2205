"""Samples a worker with py-spy (peers' venv) and tells where its busy time goes, by hop and by part of the work."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from tests.bench.peers.run import PeerError, interpreter

SAMPLES_S = 200
#: Innermost frames that are shown.
SHOWN = 15
#: The innermost of these files on a stack names the part of the work; the first pattern that fits.
_PARTS = (
    ("decode", r"streams/sources/|schemas/codec.py:.*|json_decode|documents\.py"),
    ("geo", r"\bgeo/|shapely"),
    ("rules", r"streams/rules/|evaluate\.py"),
    ("write", r"schemas/store/|psycopg"),
    ("send", r"schemas/bus/|aiokafka/producer"),
    ("fetch", r"aiokafka|streams/transport|faust|mode/"),
)
#: Frames that wait; on some machines py-spy takes them for busy ones.
_IDLE = re.compile(r"selectors\.py|threading\.py|concurrent/futures/thread\.py|run.* \((asyncio/runners|uvloop/)")
_HOPS = re.compile(r"streams/(normalize|store|evaluate|correlate|relay)\.py")


@contextmanager
def watching(pid: int, home: Path) -> Iterator[None]:
    """Sample a process meanwhile, and print a table of shares to standard error at the end."""
    try:
        spy = Path(interpreter()).with_name("py-spy")
    except PeerError as error:
        print(f"no profile: {error}", file=sys.stderr)
        yield
        return
    told = home / "profile.txt"
    argv = [str(spy), "record", "--format", "raw", "--rate", str(SAMPLES_S), "--output", str(told), "--pid", str(pid)]
    running = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield
    running.send_signal(signal.SIGINT)
    running.wait(30)
    print(table(told.read_text("utf-8") if told.exists() else ""), file=sys.stderr)


def nothing() -> nullcontext[None]:
    """Sample nothing."""
    return nullcontext()


def shares(raw: str) -> Counter[tuple[str, str]]:
    """Give the samples of each (hop, part); `raw` has one stack a line, outermost frame first, then a count."""
    found: Counter[tuple[str, str]] = Counter()
    for stack, count in _busy(raw):
        frames = stack.split(";")
        hop = next((match[1] for frame in frames if (match := _HOPS.search(frame))), "-")
        part = next((name for frame in reversed(frames) for name, what in _PARTS if re.search(what, frame)), "other")
        found[hop, part] += count
    return found


def hottest(raw: str) -> Counter[str]:
    """Give the samples of each innermost frame."""
    found: Counter[str] = Counter()
    for stack, count in _busy(raw):
        found[stack.rpartition(";")[2]] += count
    return found


def _busy(raw: str) -> Iterator[tuple[str, int]]:
    """Give each stack that does not end in waiting, with its samples."""
    for line in raw.splitlines():
        stack, _, count = line.rpartition(" ")
        if not _IDLE.search(stack.rpartition(";")[2]):
            yield stack, int(count)


def table(raw: str) -> str:
    """Give the shares as a Markdown table, the largest first, and the innermost frames that were seen most."""
    found = shares(raw)
    total = found.total() or 1
    lines = [f"| {hop} | {part} | {count / total:.1%} |" for (hop, part), count in found.most_common()]
    frames = [f"- {count / total:.1%} {frame}" for frame, count in hottest(raw).most_common(SHOWN)]
    return "\n".join(["| hop | part | share of busy samples |", "| --- | --- | ---: |", *lines, "", *frames])
