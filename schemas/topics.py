"""The whole bus on one page: every topic with its key, partitions and retention."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.events.base import Lane

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
MIB = 1 << 20
EMBEDDED_MS = HOUR_MS // 6
EMBEDDED_BYTES = 4 * MIB


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic.

    `key` says what the record key is (it fixes the partition, so the order). Retention is for a real cluster and must
    outlast the longest outage. `read_by_hops` topics keep the same time on the embedded broker, which holds all in
    memory: there the worker trims what the database has, so nothing unread is ever dropped and memory follows the lag.
    Topics for others are kept only `EMBEDDED_MS` and `EMBEDDED_BYTES` (for each partition) there.
    """

    name: str
    key: str
    partitions: int
    retention_ms: int
    meaning: str
    read_by_hops: bool = True


RAW_BULK = Topic("canh.raw.bulk", "source/device", 4, 7 * DAY_MS, "telemetry as it was sent, any format")
RAW_PRIORITY = Topic("canh.raw.priority", "source/device", 2, 7 * DAY_MS, "alarms, detections, reports, as sent")
OBSERVATIONS = Topic("canh.observations", "none: the partition of the raw record", 4, 3 * DAY_MS, "observation batches")
EVENTS = Topic("canh.events", "none: the partition of the raw record", 2, 7 * DAY_MS, "events of the priority lane")
SIGNALS = Topic("canh.signals", "incident kind: one writer for each kind", 2, 7 * DAY_MS, "what rules found")
INCIDENTS = Topic(
    "canh.incidents", "incident id", 2, 7 * DAY_MS, "every change of every incident, for others", read_by_hops=False
)
DEAD_LETTERS = Topic(
    "canh.dead-letters", "source", 1, 30 * DAY_MS, "copies of refusals, for others to watch", read_by_hops=False
)

TOPICS: tuple[Topic, ...] = (RAW_BULK, RAW_PRIORITY, OBSERVATIONS, EVENTS, SIGNALS, INCIDENTS, DEAD_LETTERS)

#: Where a source of a lane is written to.
RAW_OF_LANE: dict[Lane, Topic] = {Lane.BULK: RAW_BULK, Lane.PRIORITY: RAW_PRIORITY}

#: Record header that names the registered source of a raw record (CloudEvents' `ce_source` is accepted too).
SOURCE_HEADER = "canh_source"
