"""The ledger: what was sent and what was answered, against what the store holds afterwards (I1 to I5).

Good events go by HTTP; bad ones straight to the raw topic, where no door keeps them out.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx
import msgspec
import psycopg
from kafka import KafkaProducer

from schemas.events.dead_letter import Reason
from schemas.topics import RAW_BULK, SOURCE_HEADER

#: Event times begin here; every event has a time of its own for its device and metric.
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
DEVICES = 500
PER_REQUEST = 500
#: One bad event for so many good ones.
POISON_EVERY = 1000
#: Longer than any server takes to come back after its kill (READY_S of test_kill.py).
PATIENCE_S = 300.0


@dataclass
class Ledger:
    """Sends numbered readings by HTTP until each was answered 2xx; remembers when each batch was accepted."""

    url: str
    key: str
    source: str
    total: int
    until: float = 1.0  # no more than this part of all is sent, until a test says otherwise
    accepted: dict[int, float] = field(default_factory=dict)  # first number of a batch -> when it was answered
    begun: dict[int, float] = field(default_factory=dict)  # the same -> when the request so answered was begun
    answers: Counter[str] = field(default_factory=Counter)  # status code or exception -> how often
    last_answer: str = ""  # that was no 202
    slowest_s: float = 0.0
    _stop: threading.Event = field(default_factory=threading.Event)

    def send_all(self) -> None:
        """Send every batch; a batch that was not answered 2xx is sent again, for that is what a sender does."""
        # Longer than the API may wait for the broker, so that it is the API that gives up.
        with httpx.Client(base_url=self.url, timeout=40, headers={"Authorization": f"Bearer {self.key}"}) as client:
            for first in range(0, self.total, PER_REQUEST):
                while first >= self.until * self.total and not self._stop.wait(0.01):
                    pass
                self._send(client, first)
                if self._stop.is_set():
                    return

    @property
    def retries(self) -> int:
        """How many requests had to be repeated."""
        return self.answers.total() - self.answers["202"]

    def _send(self, client: httpx.Client, first: int) -> None:
        body = b"\n".join(reading(number) for number in range(first, first + PER_REQUEST))
        while not self._stop.is_set():
            began = time.monotonic()
            self.begun[first] = time.time()
            try:
                answer = client.post(
                    f"/v1/ingest/{self.source}", content=body, headers={"Content-Type": "application/x-ndjson"}
                )
            except httpx.HTTPError as error:
                self.answers[type(error).__name__] += 1
                self.last_answer = f"{error!r} for event {first}"
            else:
                self.answers[str(answer.status_code)] += 1
                if answer.status_code == 202:
                    self._note_accepted(first, answer)
                    return
                self.last_answer = f"{answer.status_code} {answer.text[:300]} for event {first}"
            self.slowest_s = max(self.slowest_s, time.monotonic() - began)
            time.sleep(0.2)

    def _note_accepted(self, first: int, answer: httpx.Response) -> None:
        result = answer.json()
        if result["accepted"] != PER_REQUEST:
            refused = [item for item in result["items"] if item["status"] != "accepted"]
            raise AssertionError(f"{len(refused)} good events from {first} on were refused: {refused[:2]}")
        self.accepted[first] = time.time()

    def progress(self) -> str:
        """Say in one line how far it has come."""
        last = max(self.accepted.values(), default=None)
        ago = "never" if last is None else f"{time.time() - last:.1f} s ago"
        return (
            f"{len(self.accepted) * PER_REQUEST} of {self.total} accepted, the last {ago}; "
            f"{self.retries} repeats, slowest failure {self.slowest_s:.1f} s"
        )

    @property
    def stopped(self) -> bool:
        """Tell whether nothing more will be sent."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Send nothing more."""
        self._stop.set()

    def reached(self, part: float) -> bool:
        """Tell whether this part of all events was accepted."""
        return len(self.accepted) * PER_REQUEST >= part * self.total

    def numbers(self) -> Iterator[int]:
        """Give the number of every event that was answered 2xx."""
        for first in self.accepted:
            yield from range(first, first + PER_REQUEST)


Bad = tuple[str, int, int]  # reason, partition, offset

#: Ways of being bad, each with the reason that it must be refused with.
WAYS: tuple[tuple[Reason, Callable[[int], bytes]], ...] = (
    (Reason.BAD_ENCODING, lambda n: b'{"device": "\xff\xfe %d"}' % n),
    (Reason.BAD_JSON, lambda n: reading(n)[:-2]),
    (Reason.BAD_NUMBER, lambda n: _spoilt(n, value="warm")),
    (Reason.BAD_TIME, lambda n: _spoilt(n, observed_at="2026-01-01T00:00:00")),
    (Reason.BAD_POSITION, lambda n: _spoilt(n, lon=999.0)),
    (Reason.BAD_UNIT, lambda n: _spoilt(n, unit="kg")),
    (Reason.BAD_SHAPE, lambda n: _spoilt(n, colour="red")),
)


@dataclass
class Poisoner:
    """Sends one bad event for every thousand good ones that the ledger has got through."""

    bootstrap: str
    ledger: Ledger
    sent: dict[bytes, Bad] = field(default_factory=dict)

    def send_all(self) -> None:
        """Keep up with the ledger until it is done."""
        # Idempotent: a repeat by the client makes no second record, so every bad event has one place.
        producer = KafkaProducer(
            bootstrap_servers=self.bootstrap, acks="all", enable_idempotence=True,
            delivery_timeout_ms=int(PATIENCE_S * 1000), max_block_ms=int(PATIENCE_S * 1000),
        )  # fmt: skip
        try:
            for number in range(self.ledger.total // POISON_EVERY):
                while len(self.ledger.accepted) * PER_REQUEST < number * POISON_EVERY and not self.ledger.stopped:
                    time.sleep(0.05)
                if self.ledger.stopped:
                    return
                self._send(producer, number)
        finally:
            producer.close()

    def _send(self, producer: KafkaProducer, number: int) -> None:
        reason, spoil = WAYS[number % len(WAYS)]
        raw = spoil(number)
        placed = producer.send(
            RAW_BULK.name, raw, partition=number % RAW_BULK.partitions, headers=[(SOURCE_HEADER, b"ledger")]
        ).get(timeout=2 * PATIENCE_S)
        self.sent[raw] = (reason.value, placed.partition, placed.offset)


def refused(dsn: str) -> dict[bytes, Bad]:
    """Read all dead letters of the ledger's source back; raises AssertionError when one is there twice."""
    found: dict[bytes, Bad] = {}
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            """SELECT raw, reason, topic, partition, "offset"
                 FROM dead_letter JOIN dead_letter_raw USING (digest) WHERE source = 'ledger'"""
        ).fetchall()
    for raw, reason, topic, partition, offset in rows:
        assert topic == RAW_BULK.name
        assert bytes(raw) not in found, f"{raw!r} was refused twice"
        found[bytes(raw)] = (reason, partition, offset)
    return found


def _spoilt(number: int, **fields: object) -> bytes:
    return msgspec.json.encode(msgspec.json.decode(reading(number)) | fields)


def reading(number: int) -> bytes:
    """Give the raw record of an event: device, time and value all follow from its number."""
    return msgspec.json.encode(
        {
            "device": f"ledger-{number % DEVICES}",
            "metric": "temperature",
            "value": value_of(number),
            "unit": "Cel",
            "observed_at": time_of(number).isoformat(),
            "lon": 108.05,
            "lat": 12.68,
        }
    )


def value_of(number: int) -> float:
    """Give a value that tells the event apart (within the metric's plausible range)."""
    return round(10 + (number % 3000) / 100, 2)


def time_of(number: int) -> datetime:
    """Give a time that no other event of its device has."""
    return BEGIN + timedelta(seconds=number // DEVICES)


def stored(dsn: str) -> dict[int, float]:
    """Read all ledger events back: number to value; raises AssertionError when a row is there twice."""
    found: dict[int, float] = {}
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            "SELECT device, observed_at, value FROM observation WHERE device LIKE 'ledger-%'"
        ).fetchall()
    for device, observed_at, value in rows:
        number = int((observed_at - BEGIN).total_seconds()) * DEVICES + int(device.removeprefix("ledger-"))
        assert number not in found, f"event {number} is stored twice"
        found[number] = value
    return found
