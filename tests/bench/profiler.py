"""Samples a worker with py-spy (peers' venv): who holds the interpreter's lock, by hop and by part of the work."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.peers.run import PeerError, interpreter

SAMPLES_S = 500
#: Innermost frames that are shown.
SHOWN = 15
_HOP = r"streams/(normalize|store|evaluate|correlate|relay)\.py"
#: The outermost of these files on a stack names the hop.
_HOPS = re.compile(_HOP)
#: A commit runs in a task of its own (streams/hop.py shields it), so nothing on its stack tells whose it is.
_COMMIT = re.compile(
    r"ommit \(schemas/store/timescale/stream\.py|schemas/store/timescale/(commit|telemetry|seen|bulk)\.py"
)
#: The innermost of these files on a stack names the part of the work; the first pattern that fits.
_PARTS = (
    ("bench", r"note \(tests/bench/worker\.py"),
    # It only awaits: seen innermost, the interpreter frees the variables of what has just come back to it.
    ("free", r"timed \(tests/bench/worker\.py"),
    ("decode", r"streams/sources/|schemas/codec\.py|json_decode|documents\.py"),
    ("geo", r"\bgeo/|shapely|streams/places\.py"),
    ("rules", r"streams/(rules|incidents)/"),
    ("write", r"schemas/store/"),
    ("psycopg", r"psycopg"),
    ("send", r"schemas/bus/|aiokafka/producer"),
    ("fetch", r"aiokafka|streams/transport|streams/fetch|faust|mode/"),
    ("hop", _HOP),
    ("carry", r"streams/(app|hop|turns|watermark|headway)\.py"),
    ("loop", r"uvloop/|asyncio/runners\.py"),
)
_UNREAD = re.compile(r"Errors: (\d+)")


@contextmanager
def watching(pid: int, home: Path, events: int) -> Iterator[None]:
    """Sample a process while it works off so many events; print tables to standard error at the end."""
    try:
        spy = Path(interpreter()).with_name("py-spy")
    except PeerError as error:
        print(f"no profile: {error}", file=sys.stderr)
        yield
        return
    told, log = home / "profile.txt", home / "profile.log"
    # Not blocking: a worker that is stopped for each sample takes three times as long, and is a different one.
    how = ("--nonblocking", "--gil", "--threads", "--format", "raw", "--rate", str(SAMPLES_S))
    with log.open("wb") as file:
        argv = [str(spy), "record", *how, "--output", str(told), "--pid", str(pid)]
        running = subprocess.Popen(argv, stdout=file, stderr=subprocess.STDOUT)
    try:
        yield
    finally:
        running.send_signal(signal.SIGINT)
        running.wait(30)
    said = log.read_text("utf-8", "replace")
    if told.exists():
        print(table(told.read_text("utf-8"), events, unread(said)), file=sys.stderr)
    else:  # it may not look into other processes here, or the worker is gone; a backtrace of its own follows
        print(f"no profile: {said.strip().partition(chr(10))[0]}", file=sys.stderr)


def unread(said: str) -> int:
    """Give the samples that py-spy says it could not read: the worker went on meanwhile."""
    found = _UNREAD.search(said)
    return int(found[1]) if found else 0


def shares(raw: str) -> Counter[tuple[str, str]]:
    """Give the samples of each (hop, part); `raw` has one stack a line: the thread, outermost frame first, a count."""
    found: Counter[tuple[str, str]] = Counter()
    for stack, count in _stacks(raw):
        found[_hop(stack), _part(stack)] += count
    return found


def hottest(raw: str) -> Counter[str]:
    """Give the samples of each innermost frame; of a stack that could not be read, of its thread."""
    found: Counter[str] = Counter()
    for stack, count in _stacks(raw):
        found[stack.rpartition(";")[2]] += count
    return found


def table(raw: str, events: int, lost: int = 0) -> str:
    """Give microseconds of the lock for each event by hop and part, the most first, then by innermost frame.

    The lock is held on while its thread waits for a core: on a busy machine the sum exceeds the worker's CPU. `lost`
    samples were not read, so the sum may be that much too small.
    """
    found = shares(raw)
    total = found.total()

    def spent(count: int) -> str:
        return f"{count / SAMPLES_S / events * 1e6:.2f}"

    def share(count: int) -> str:
        return f"{count / (total or 1):.1%}"

    rows = [(hop, part, spent(count), share(count)) for (hop, part), count in found.most_common()]
    rows += [("all", "", spent(total), share(total))]
    return "\n".join(
        [
            "| hop | part | µs of the lock per event | share |",
            "| --- | --- | ---: | ---: |",
            *(f"| {' | '.join(row)} |" for row in rows),
            "",
            f"{total} samples, {SAMPLES_S} a second; {lost} more could not be read. The hottest frames:",
            *(f"- {spent(count)} µs {frame}" for frame, count in hottest(raw).most_common(SHOWN)),
        ]
    )


def _stacks(raw: str) -> Iterator[tuple[str, int]]:
    for line in raw.splitlines():
        stack, _, count = line.rpartition(" ")
        yield stack, int(count)


def _hop(stack: str) -> str:
    if found := _HOPS.search(stack):
        return found[1]
    return "commit" if _COMMIT.search(stack) else "-"


def _part(stack: str) -> str:
    frames = reversed(stack.split(";"))
    return next((name for frame in frames for name, what in _PARTS if re.search(what, frame)), "other")
