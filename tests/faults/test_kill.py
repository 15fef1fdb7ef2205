from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import msgspec
import psycopg
import pytest

from tests.e2e.canh import canh, wait_for
from tests.faults.ledger import PER_REQUEST, POISON_EVERY, Ledger, Poisoner, refused, stored, value_of
from tests.faults.telling import Scene, telling
from tests.servers import BrokerServer, DatabaseServer, chosen_broker, chosen_database

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1500)]

ServerT = TypeVar("ServerT", BrokerServer, DatabaseServer)
#: Standing still for so long is a failure, being slow is none: CI has two cores and any disk.
STILL_S = 120.0
#: A crashed PostgreSQL first syncs all its files, which a slow disk makes long.
READY_S = 180.0
EVENTS = int(os.environ.get("CANH_TEST_LEDGER", "200000"))
SOURCE = {"id": "ledger", "kind": "sensor", "format": "native", "cadence_s": 1.0, "options": {"replay": "true"}}
#: Parts of all events that were accepted when Apache Kafka is killed.
KAFKA_DIES_AT = (0.1, 0.4, 0.7)
#: A sender that was let go on is in the midst of it after this time.
UNDER_WAY_S = 0.15


@dataclass
class Sending:
    """Senders at work in the background."""

    ledger: Ledger
    poisoner: Poisoner
    dsn: str
    scene: Scene

    def wait_for(self, condition: Callable[[], object], timeout_s: float, what: str) -> None:
        """Wait until something holds; a sender that failed fails the test at once, with its own exception."""

        def holds() -> bool:
            for sender in self.scene.senders:
                if sender.done():
                    sender.result()
            return bool(condition())

        self.scene.note(f"waits for {what}")
        wait_for(holds, timeout_s, what)

    def wait_for_part(self, part: float) -> None:
        """Wait until this part of all events was accepted, however slow the machine is, as long as it goes on."""

        def goes_on_or_there() -> bool:
            return self.ledger.reached(part) or len(self.ledger.accepted) > seen

        while not self.ledger.reached(part):
            seen = len(self.ledger.accepted)
            self.wait_for(goes_on_or_there, STILL_S, f"{part:.0%} of the events")


@contextmanager
def sending(scene: Scene, total: int, *, poison: bool = True, until: float = 1.0) -> Iterator[Sending]:
    """Register the ledger's source and send good and bad events in the background, at first `until` this part."""
    running = scene.running
    file = running.home / "source.json"
    file.write_bytes(msgspec.json.encode(SOURCE))
    running.run("source", "add", str(file))
    key = running.run("user", "key", "ledger", "--source", "ledger").strip()
    found: dict[str, str] = msgspec.json.decode((running.home / "run" / "addresses.json").read_bytes())
    ledger = Ledger(running.url, key, "ledger", total, until)
    poisoner = Poisoner(found["kafka"], ledger)
    scene.ledger, scene.poisoner, scene.dsn = ledger, poisoner, found["database_url"]
    with ThreadPoolExecutor() as pool:
        scene.senders = [pool.submit(each) for each in (ledger.send_all, *([poisoner.send_all] if poison else []))]
        try:
            yield Sending(ledger, poisoner, scene.dsn, scene)
        finally:
            ledger.stop()


def counted(dsn: str, table: str, condition: str) -> int:
    """Count rows; a database that is away has none."""
    try:
        with psycopg.connect(dsn, connect_timeout=2) as connection:
            row = connection.execute(f"SELECT count(*) FROM {table} WHERE {condition}").fetchone()
    except psycopg.OperationalError:
        return 0
    return int(row[0]) if row else 0


def wait_until_all_is_written(work: Sending) -> None:
    """Wait until there are as many rows and refusals as were sent; only standing still is a failure."""
    work.wait_for_part(1)
    bad = work.ledger.total // POISON_EVERY
    work.wait_for(lambda: len(work.poisoner.sent) == bad, STILL_S, "the end of sending")

    def rows() -> int:
        return counted(work.dsn, "observation", "device LIKE 'ledger-%'")

    while (seen := rows()) < work.ledger.total:
        work.wait_for(lambda seen=seen: rows() > seen, STILL_S, "all events' rows")  # type: ignore[misc]
    work.wait_for(lambda: counted(work.dsn, "dead_letter", "source = 'ledger'") >= bad, STILL_S, "all refusals")


def exact(work: Sending) -> None:
    """I1 to I5: every accepted event is there once with its content, every bad one is refused once; nothing else is."""
    found, accepted = stored(work.dsn), set(work.ledger.numbers())
    assert some(accepted - found.keys()) == [], "accepted and lost"
    assert some(found.keys() - accepted) == [], "stored and never accepted"
    assert some({n for n, value in found.items() if value != value_of(n)}) == [], "stored with another value"
    assert some(refused(work.dsn).items() ^ work.poisoner.sent.items()) == [], "refused otherwise than sent"


def some(wrong: AbstractSet[object]) -> list[object]:
    """Give a few of what is wrong and how many there are: a report has little room."""
    return [*sorted(wrong, key=str)[:5], f"{len(wrong)} in all"] if wrong else []


def kill_and_wait(scene: Scene, name: str) -> None:
    """Kill a service and wait until its successor and all others are ready."""
    running = scene.running
    before = running.pid(name)
    scene.note(f"kills {name}")
    running.kill9(name)
    wait_for(lambda: running.pid_or_none(name) not in {None, before}, 60, f"a new {name}")
    wait_for(running.all_ready, READY_S, f"readiness after the kill of {name}")
    scene.note("all ready")


@pytest.fixture
def own_broker() -> Iterator[BrokerServer | None]:
    """A real Kafka when one is asked for, so that it can be killed; None: the embedded one inside `canh up`."""
    yield from _own(chosen_broker(), "EmbeddedBroker")


@pytest.fixture
def own_database() -> Iterator[DatabaseServer | None]:
    """A real TimescaleDB when one is asked for; None: the embedded PostgreSQL inside `canh up`."""
    yield from _own(chosen_database(), "EmbeddedDatabase")


def _own(server: ServerT, embedded: str) -> Iterator[ServerT | None]:
    if type(server).__name__ == embedded:
        server.discard()
        yield None
        return
    if reason := server.unavailable():
        pytest.skip(reason)
    server.start()
    server.wait_ready(60)
    yield server
    server.stop()
    server.discard()


def killer_of_database(scene: Scene, database: DatabaseServer | None) -> Callable[[], None]:
    """Give what kills the database and brings it back."""

    def of_its_own() -> None:
        assert database is not None
        scene.note("kills the database")
        database.kill9()
        time.sleep(1)
        database.restart(READY_S)
        wait_for(scene.running.all_ready, READY_S, "readiness after the kill of the database")
        scene.note("all ready")

    return of_its_own if database is not None else lambda: kill_and_wait(scene, "postgres")


def test_kill_9_of_worker_api_and_database_loses_and_doubles_nothing(
    own_broker: BrokerServer | None,
    own_database: DatabaseServer | None,
    record_property: Callable[[str, object], None],
) -> None:
    """200,000 events while processes die; whatever was answered 2xx is stored once, what is bad is refused once.

    Sending waits for the kills: a fast machine would otherwise be done before the second of them.
    """
    bulk, second, priority = "worker-bulk", "worker-bulk-2", "worker-priority"
    order = [bulk, "api", "database", priority, "database", "api", priority, second]
    with (
        canh("up", broker=own_broker, database=own_database) as running,
        telling(running) as scene,
        sending(scene, EVENTS, until=1 / (len(order) + 1)) as work,
    ):
        kill_database = killer_of_database(scene, own_database)
        for number, name in enumerate(order, start=1):
            work.wait_for_part(number / (len(order) + 1))
            work.ledger.until = (number + 1) / (len(order) + 1)
            time.sleep(UNDER_WAY_S)
            kill_database() if name == "database" else kill_and_wait(scene, name)
        ended = time.monotonic()
        wait_until_all_is_written(work)
        record_property("seconds to catch up after the last of 8 kills", round(time.monotonic() - ended, 1))
        record_property("requests that had to be repeated", work.ledger.retries)
        wait_for(running.all_ready, READY_S, "readiness in the end")
        exact(work)
        assert work.ledger.retries > 0, "the API was killed while nobody asked it anything"


@pytest.mark.kafka_only
def test_kill_9_of_apache_kafka_loses_nothing(
    own_broker: BrokerServer | None, own_database: DatabaseServer | None
) -> None:
    """The real broker keeps what it acknowledged; worker and API wait and go on by themselves.

    Sending waits for the kills, as above.
    """
    assert own_broker is not None  # what the marker says
    with (
        canh("up", broker=own_broker, database=own_database) as running,
        telling(running) as scene,
        sending(scene, EVENTS, until=KAFKA_DIES_AT[0]) as work,
    ):
        for part, more in pairwise((*KAFKA_DIES_AT, 1.0)):
            work.wait_for_part(part)
            work.ledger.until = more
            time.sleep(UNDER_WAY_S)
            scene.note("kills Kafka")
            own_broker.kill9()
            assert not work.ledger.reached(more), "Kafka was killed while nobody sent anything"
            own_broker.restart(READY_S)
        wait_until_all_is_written(work)
        exact(work)


@pytest.mark.embedded_only
def test_kill_9_of_the_embedded_broker_loses_only_what_was_under_way_and_all_goes_on(
    record_property: Callable[[str, object], None],
) -> None:
    """What was not yet in the database may be lost and is counted; all else is exact, without a person's help."""
    # No poison: its idempotent producer cannot go on after this broker has lost records (ADR 0005).
    with canh("up") as running, telling(running) as scene, sending(scene, 40_000, poison=False) as work:
        work.wait_for_part(0.3)
        held = stored(work.dsn).keys()
        scene.note("kills the broker")
        running.kill9("broker")
        killed_at = time.time()
        work.wait_for_part(1)
        wait_for(running.all_ready, READY_S, "readiness after the kill")
        before, after = split(work.ledger, killed_at)
        may_be_lost = before - held
        work.wait_for(lambda: after <= stored(work.dsn).keys(), STILL_S, "every event that came after")
        found = stored(work.dsn)
        lost = (before | after) - found.keys()
        record_property("lost with the embedded broker", f"{len(lost)} of {work.ledger.total} accepted events")
        record_property("accepted and not yet in the database when it died", len(may_be_lost))
        assert some(lost - may_be_lost) == [], "lost, though the database had it or it came later"
        assert some(found.keys() - (before | after)) == [], "stored and never accepted"
        assert some({n for n, value in found.items() if value != value_of(n)}) == [], "stored with another value"


def split(ledger: Ledger, moment: float) -> tuple[set[int], set[int]]:
    """Give the numbers of the accepted events whose requests were begun before a moment, and of those begun later.

    One that was begun before may have been written and answered before, though its answer came late.
    """
    before: set[int] = set()
    after: set[int] = set()
    for first in ledger.accepted:
        (before if ledger.begun[first] < moment else after).update(range(first, first + PER_REQUEST))
    return before, after
