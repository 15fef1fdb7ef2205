"""Runs a peer on servers of its own that hold the pipeline's records; gives its events a second."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psycopg

from deploy.local.process import Child, Command
from schemas.topics import RAW_BULK
from tests.bench.stage import ROOT, Stage
from tests.bench.workload import zones
from tests.servers import cache_dir

LOCK = ROOT / "requirements" / "bench.txt"
#: A peer that is not done by then is left out.
TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class Peer:
    """One peer: its module, how many events it takes (the slow ones fewer: the rate is what counts), its venv."""

    title: str
    module: str
    events: int
    arguments: tuple[str, ...] = ()
    own_venv: bool = False


_FAUST = ("worker", "--without-web", "-l", "warn")
PEERS = (
    Peer("naive Faust", "naive_faust", 3_000, _FAUST),
    Peer("Faust, take and executemany", "faust_take", 30_000, _FAUST),
    Peer("Quix Streams", "quix", 50_000, own_venv=True),
    Peer("Bytewax", "bytewax", 50_000, own_venv=True),
)


class PeerError(Exception):
    """A peer gave no result; the message says why."""


def rate(made: Stage, peer: Peer) -> float:
    """Give a peer's committed events a second, on records that are on the broker already; raises PeerError."""
    home = made.settings.home / "peers" / peer.module
    home.mkdir(parents=True, exist_ok=True)
    known = [{"id": zone.id, "geometry": zone.geometry} for zone in zones()]
    (home / "zones.json").write_text(json.dumps(known), encoding="utf-8")
    given = {
        "BOOTSTRAP": made.broker.bootstrap, "DSN": made.dsn, "TOPIC": RAW_BULK.name, "EVENTS": str(peer.events),
        "ZONES": str(home / "zones.json"), "HOME": str(home),
    }  # fmt: skip
    env = os.environ | {f"PEER_{name}": value for name, value in given.items()} | {"PYTHONPATH": str(ROOT)}
    python = interpreter() if peer.own_venv else sys.executable
    log = home / "log"
    child = Child(Command((python, "-m", f"tests.bench.peers.{peer.module}", *peer.arguments), log, env=env))
    try:
        return _result(child, log, made.dsn)
    finally:
        child.stop(5.0)


def _result(child: Child, log: Path, dsn: str) -> float:
    deadline = time.monotonic() + TIMEOUT_S
    while child.running() and time.monotonic() < deadline:
        time.sleep(0.05)
    lines = [line for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    told = [json.loads(line) for line in lines if line.startswith('{"events"')]
    if not told:
        raise PeerError(lines[-1] if lines else f"nothing within {TIMEOUT_S:.0f} s")
    with psycopg.connect(dsn) as connection:
        found = connection.execute("SELECT count(*) FROM observation").fetchone()
    if found is None or found[0] < told[0]["events"]:
        raise PeerError(f"says {told[0]['events']} rows, {found} are there")
    return float(told[0]["events"] / told[0]["seconds"])


@cache
def interpreter() -> str:
    """Give the Python of the peers' venv, made once for each content of its lock; raises PeerError."""
    venv = cache_dir() / f"bench-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}-{sys.version_info.minor}"
    python = venv / "bin" / "python"
    if not (venv / ".done").exists():
        print(f"making a venv for the peers: {venv}", file=sys.stderr)
        _run(sys.executable, "-m", "venv", "--clear", str(venv))
        _run(str(python), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(LOCK))
        (venv / ".done").touch()
    return str(python)


def _run(*argv: str) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=600)
    if done.returncode:
        raise PeerError(f"{argv[3]}: {(done.stderr.strip() or 'failed').splitlines()[-1]}")
