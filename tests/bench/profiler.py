"""Samples a worker with py-spy (peers' venv) and tells who holds the interpreter's lock, by hop and part of the work.

What lets go of it (Polars, sockets, the text of COPY) is not in the table; the CPU seconds of the process have it all.
"""

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

#: py-spy looks at the running worker: to stop it for each look made it three times as slow.
SAMPLES_S = 500
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
_HOPS = re.compile(r"streams/(normalize|store|evaluate|correlate|relay)\.py")
#: A commit is a task of its own, whoever waits for it (streams/hop.py).
_COMMIT = re.compile(r"schemas/store/timescale/stream\.py")


@contextmanager
def watching(pid: int, home: Path, events: int) -> Iterator[None]:
    """Sample a process while it does `events`, and print a table to standard error at the end."""
    try:
        spy = Path(interpreter()).with_name("py-spy")
    except PeerError as error:
        print(f"no profile: {error}", file=sys.stderr)
        yield
        return
    told = home / "profile.txt"
    how = ["--nonblocking", "--gil", "--threads", "--format", "raw", "--rate", str(SAMPLES_S)]
    argv = [str(spy), "record", *how, "--output", str(told), "--pid", str(pid)]
    running = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield
    running.send_signal(signal.SIGINT)
    running.wait(30)
    print(table(told.read_text("utf-8") if told.exists() else "", events), file=sys.stderr)


def nothing() -> nullcontext[None]:
    """Sample nothing."""
    return nullcontext()


def shares(raw: str) -> Counter[tuple[str, str]]:
    """Give the samples of each (hop, part); `raw` has one stack a line, outermost frame first, then a count."""
    found: Counter[tuple[str, str]] = Counter()
    for stack, count in _samples(raw):
        frames = stack.split(";")
        hop = next((match[1] for frame in frames if (match := _HOPS.search(frame))), "-")
        if hop == "-" and _COMMIT.search(stack):
            hop = "commit"
        part = next((name for frame in reversed(frames) for name, what in _PARTS if re.search(what, frame)), "other")
        found[hop, part] += count
    return found


def hottest(raw: str) -> Counter[str]:
    """Give the samples of each innermost frame."""
    found: Counter[str] = Counter()
    for stack, count in _samples(raw):
        found[stack.rpartition(";")[2]] += count
    return found


def _samples(raw: str) -> Iterator[tuple[str, int]]:
    """Give each stack with its samples."""
    for line in raw.splitlines():
        stack, _, count = line.rpartition(" ")
        yield stack, int(count)


def table(raw: str, events: int) -> str:
    """Give the time of each hop and part as a Markdown table, the most first, and the innermost frames seen most."""

    def told(count: int) -> str:
        return f"{count / SAMPLES_S / events * 1e6:.2f}"

    found = shares(raw)
    lines = [f"| {hop} | {part} | {told(count)} |" for (hop, part), count in found.most_common()]
    lines += [f"| all | | {told(found.total())} |", ""]
    frames = [f"- {told(count)} {frame}" for frame, count in hottest(raw).most_common(SHOWN)]
    return "\n".join(["| hop | part | µs of the lock per event |", "| --- | --- | ---: |", *lines, *frames])
