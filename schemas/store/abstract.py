"""What every store promises: one `commit` is one transaction, and repeating it changes nothing (G1-G3, G5, G6)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from schemas.events import (
    Agency,
    DeadLetter,
    Device,
    FeedEntry,
    Incident,
    IncidentWrite,
    ObservationBatch,
    PriorityEvent,
    Signal,
    SignalLink,
    Source,
    SourceHealth,
    Unit,
    Zone,
)
from schemas.standing import Reach, Standing
from schemas.store.counts import IncidentCounts
from schemas.store.keep import Keep
from schemas.store.outbox import OutboxItem, OutboxTurn
from schemas.store.refusals import RefusalStore
from schemas.store.security import AuditEntry, SecurityStore


@dataclass(frozen=True, slots=True)
class Offset:
    """How far a hop has come in a partition: the next offset to read, durably.

    `stamp_ms` is the broker's timestamp of the record before it (None: unknown). When the log no longer has that
    record at that place, the broker has lost records and the hop reads the partition again from its beginning.
    `expected`, when given, is where the batch began: a commit whose stored offset is beyond it raises ConflictError,
    so a worker that slept through a rebalance can never write old rule states over newer ones.
    """

    hop: str
    topic: str
    partition: int
    next_offset: int
    stamp_ms: int | None = None
    expected: int | None = None


@dataclass(frozen=True, slots=True)
class RuleState:
    """The state of one rule for one key, as JSON bytes; `state` None deletes it."""

    rule: str
    key: str
    topic: str
    partition: int
    state: bytes | None


@dataclass(frozen=True, slots=True)
class Commit:
    """All that one micro-batch (or one order of a person) changes: written together or not at all.

    With `newest_later`, newest values of devices may wait for a later commit of the same hop and partition. A crash
    before it forgets them: the caller must be able to give the observations again.
    """

    offset: Offset | None = None
    observations: ObservationBatch | None = None
    events: Sequence[PriorityEvent] = ()
    dead_letters: Sequence[DeadLetter] = ()
    rule_states: Sequence[RuleState] = ()
    signals: Sequence[Signal] = ()  # also put into the outbox for the signals topic
    incidents: Sequence[IncidentWrite] = ()  # changes are also put into the outbox for the incidents topic
    audit: Sequence[AuditEntry] = ()
    newest_later: bool = False


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit did: rows that were new, rows that were there already, refusals found inside, feed ids given."""

    inserted: int = 0
    duplicates: int = 0
    conflicts: int = 0
    feed_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """What a reader may see: None means everything, a set means only these, both sets must hold it (G8)."""

    agencies: frozenset[str] | None = None
    communes: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class IncidentQuery:
    """Filters of the incident list and of the feed; empty means any. `bbox` is west, south, east, north in degrees."""

    bbox: tuple[float, float, float, float] | None = None
    communes: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    statuses: frozenset[str] = frozenset()
    agencies: frozenset[str] = frozenset()
    severity_min: int = 1
    since: datetime | None = None  # updated_at >= since
    until: datetime | None = None  # opened_at < until
    text: str = ""  # compared folded: without accents, lower case
    scope: Scope = Scope()


@dataclass(frozen=True, slots=True)
class Page:
    """One page of incidents, newest update first; `cursor` None is the last page. `feed_id` is the feed's head then."""

    items: list[Incident]
    cursor: str | None
    feed_id: int


@dataclass(frozen=True, slots=True)
class SeriesPoint:
    """One point of a chart: raw (minimum = mean = maximum) or rolled up over a step."""

    at: datetime
    mean: float
    minimum: float
    maximum: float
    count: int


@dataclass(frozen=True, slots=True)
class Health:
    """What the server is and can do. `edition` is memory, plain, apache or timescale."""

    ready: bool
    edition: str
    version: str
    migrations: int
    time_zone: str
    detail: str = ""


class StreamStore(Protocol):
    """What the hops need."""

    async def offsets(self, hop: str, topic: str) -> list[Offset]:
        """Give how far a hop has come in each partition of a topic."""

    async def rule_states(self, topic: str, partition: int) -> list[RuleState]:
        """Give all rule states of a partition (read once, on assignment)."""

    async def commit(self, commit: Commit) -> Committed:
        """Write all of it in one transaction.

        Observations and events that are there already with the same content are counted as duplicates; with other
        content they become dead letters (id_conflict). An offset never goes backwards (unless its stamp is reset by
        `reset_offset`). Raises ConflictError when an incident is not at the expected version, BackpressureError when
        the server is away or busy, PoisonMessageError when the data itself is refused.
        """

    async def reset_offset(self, offset: Offset) -> None:
        """Set an offset, backwards too: only when the broker has lost records."""

    async def standing(self, reaches: Sequence[Reach]) -> Standing:
        """Give how things stand for the signals of these reaches: what correlation must know before it takes them."""

    async def outbox(self, limit: int) -> list[OutboxItem]:
        """Look at the oldest waiting records, in order."""

    def outbox_turn(self) -> AbstractAsyncContextManager[OutboxTurn]:
        """Wait until no other relay has the outbox, then have it, so that records are never sent out of order.

        The turn ends with the block, or with the connection to the database: BackpressureError then.
        """


class RegistryStore(Protocol):
    """Sources, devices, zones, units, agencies."""

    async def sources(self) -> list[Source]:
        """Give all registered sources by id."""

    async def put_sources(self, sources: Sequence[Source]) -> None:
        """Register or change sources."""

    async def source_health(self) -> list[SourceHealth]:
        """Give each source's freshness and counts."""

    async def devices(self, ids: Sequence[str] | None = None) -> list[Device]:
        """Give devices (None: all) with their newest values."""

    async def put_devices(self, devices: Sequence[Device]) -> None:
        """Register or change devices."""

    async def zones(self, kind: str | None = None, on: date | None = None) -> list[Zone]:
        """Give zones of a kind that are valid on a day (None: any kind, any day)."""

    async def put_zones(self, zones: Sequence[Zone]) -> None:
        """Register zones; an equal one is left alone, a changed shape gets the next version."""

    async def registry_version(self) -> int:
        """Give a number that rises when sources, devices' places or zones change (hops reload then)."""

    def registry_changes(self) -> AsyncIterator[int]:
        """Give the registry's version at once, and again when it has risen (wake-up only: may skip)."""

    async def agencies(self) -> list[Agency]:
        """Give all agencies."""

    async def put_agencies(self, agencies: Sequence[Agency]) -> None:
        """Register or change agencies."""

    async def units(self) -> list[Unit]:
        """Give all units with their newest position."""

    async def put_units(self, units: Sequence[Unit]) -> None:
        """Register or change units."""


class ReadStore(Protocol):
    """What people and programs ask."""

    async def incidents(self, query: IncidentQuery, limit: int, cursor: str | None = None) -> Page:
        """Give a page of incidents, newest update first."""

    async def incident_counts(self, query: IncidentQuery) -> IncidentCounts:
        """Count the open incidents among those that a query lets through."""

    async def incident(self, incident_id: str, scope: Scope = Scope()) -> Incident | None:
        """Give one incident, None when it does not exist or may not be seen."""

    async def incidents_by_id(self, ids: Sequence[str]) -> list[Incident]:
        """Give incidents as they stand now, by id; those that do not exist are left out."""

    async def timeline(self, incident_id: str) -> list[FeedEntry]:
        """Give all changes of an incident in feed order."""

    async def evidence(self, incident_id: str) -> list[tuple[SignalLink, Signal]]:
        """Give the signals of an incident with why they belong to it, oldest first."""

    async def is_evidence(self, device: str, scope: Scope) -> bool:
        """Tell whether a device gave a signal of an incident that a reader may see."""

    async def feed_head(self) -> int:
        """Give the newest feed id (0: empty)."""

    async def feed_tail(self) -> int:
        """Give the oldest feed id that can still be read (head + 1 when none)."""

    async def feed(self, after: int, limit: int) -> list[FeedEntry]:
        """Give feed entries with id > after, in order."""

    def feed_changes(self) -> AsyncIterator[int]:
        """Give a new head soon after each commit that moved the feed (wake-up only: may skip or repeat)."""

    async def series(self, device: str, metric: str, start: datetime, end: datetime, step_s: int) -> list[SeriesPoint]:
        """Give a chart's points in [start, end): raw when step_s is 0, else rolled up; empty steps are left out."""

    async def event(self, event_id: str) -> PriorityEvent | None:
        """Give one stored event of the priority lane."""


class Store(StreamStore, RegistryStore, ReadStore, RefusalStore, SecurityStore, Protocol):
    """All of it, as one connection pool offers it."""

    async def open(self) -> None:
        """Connect; raises BackpressureError when the server is away."""

    async def close(self) -> None:
        """Give all connections back."""

    async def health(self) -> Health:
        """Ask the server what it is and whether it answers."""

    async def migrate(self) -> list[str]:
        """Apply what is missing under a lock; give the names of the migrations that were applied."""

    async def retain(self, keep: Keep) -> int:
        """Forget what came longer ago than it is kept; give the chunks or rows dropped.

        What was received lately is kept however old it is: history that is played today must not vanish at once.
        """

    async def checksum(self) -> dict[str, str]:
        """Give an order-free digest of every table's content, for tests of idempotence and backups."""
