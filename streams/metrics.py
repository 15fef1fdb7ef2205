"""The closed list of the workers' Prometheus metrics; never labelled by device or incident (cardinality)."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

RECORDS = Counter("canh_records_total", "Records made durable by a hop", ["hop", "topic"])
REFUSED = Counter("canh_refused_total", "Messages sent to the dead letters", ["hop", "reason"])
RETRIES = Counter("canh_retries_total", "Times a hop waited for something outside", ["hop"])
LATE = Counter("canh_late_rows_total", "Rows that came later than rules wait for them (settle)", ["topic"])
SIGNALS = Counter("canh_signals_total", "Signals given by rules", ["rule", "action"])
BAD_SOURCES = Gauge(
    "canh_bad_sources",
    "Sources of whose messages too many (CANH_POISON_RATIO) were refused of late",
    ["topic"],
)
DELETED_UNREAD = Counter(
    "canh_deleted_unread_total", "Records that retention took before a hop read them", ["hop", "topic"]
)
BATCH_SECONDS = Histogram(
    "canh_batch_seconds",
    "Seconds for one micro-batch, from handed over to committed",
    ["hop"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
OUTBOX_WAITING = Gauge("canh_outbox_waiting", "Records in the outbox after the last round of the relay")
#: `hop` is also broker, database and takeover: what a lane stands on.
READY = Gauge("canh_hop_ready", "1 when a hop's last try succeeded, 0 while it waits", ["lane", "hop"])
REGISTRY = Gauge("canh_registry_version", "Version of the registry that this process works with")
