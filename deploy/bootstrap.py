"""Wires the streams: the only place that builds stores, publishers and hops from settings (deploy/web.py: the API)."""

from __future__ import annotations

import logging
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial

import structlog

from deploy.fault import HANDLER
from deploy.settings import Settings
from schemas.bus.kafka import KafkaPublisher
from schemas.errors import UsageError
from schemas.events import Lane
from schemas.store.keep import Keep
from schemas.store.timescale import TimescaleStore
from streams.app import LaneApp
from streams.correlate import CorrelateHop
from streams.evaluate import EvaluateHop
from streams.hop import Hop
from streams.metrics import READY
from streams.normalize import NormalizeHop
from streams.pipeline import Step, steps
from streams.poison import PoisonGauge
from streams.rules.load import library
from streams.store import StoreHop
from streams.world import Atlas


def now() -> datetime:
    """Give the wall clock's time; the only clock that is handed around."""
    return datetime.now(UTC)


def configure_logs(settings: Settings) -> None:
    """Send all logs to standard error: readable for people, or one JSON object a line."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    render: list[structlog.typing.Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    render += _for_machines() if settings.log == "json" else [_for_people()]
    handler = logging.StreamHandler()
    handler.set_name(HANDLER)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=render, foreign_pre_chain=shared))
    logging.basicConfig(handlers=[handler], level=settings.log_level.upper(), force=True)
    for noisy in ("aiokafka", "kafka", "faust", "mode", "httpx", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLogger().level))
    logging.getLogger("aiokafka.consumer.group_coordinator").setLevel(logging.ERROR)


def _for_machines() -> list[structlog.typing.Processor]:
    """With the text of a traceback: JSON alone would only say that there is one."""
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]


def _for_people() -> structlog.dev.ConsoleRenderer:
    """Plain tracebacks: the pretty ones print variables, and so secrets. Colours for a terminal, none in a file."""
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback)


def kafka_of(settings: Settings) -> str:
    """Give the bootstrap servers; raises UsageError when none are set."""
    if settings.kafka is None:
        raise UsageError("No broker is set. Run `canh up` for an embedded one, or set CANH_KAFKA=host:port.")
    return settings.kafka


def dsn_of(settings: Settings) -> str:
    """Give the database's address; raises UsageError when none is set."""
    if settings.database_url is None:
        raise UsageError(
            "No database is set. Run `canh up` for an embedded one, or set CANH_DATABASE_URL=postgresql://..."
        )
    return settings.database_url.get_secret_value()


def make_store(settings: Settings, name: str, *, size: int = 4) -> TimescaleStore:
    """Give a store that is not open yet; `name` is shown by the server as application_name."""
    return TimescaleStore(dsn_of(settings), min_size=1, max_size=size, application_name=f"canh-{name}")


@asynccontextmanager
async def open_store(settings: Settings, name: str) -> AsyncIterator[TimescaleStore]:
    """Give an open store for a short piece of work."""
    store = make_store(settings, name, size=2)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def keep_of(settings: Settings) -> Keep:
    """Give for how long what grows with time is kept."""
    return Keep(
        observations=settings.retention_days,
        events=settings.retention_events_days,
        resolved_letters=settings.retention_resolved_days,
        open_letters=settings.retention_refusals_days,
        rollups=settings.retention_rollups_days,
    )


def make_publisher(settings: Settings) -> KafkaPublisher:
    """Give a publisher that is not started yet."""
    return KafkaPublisher(kafka_of(settings))


def make_atlas(settings: Settings, store: TimescaleStore) -> Atlas:
    """Give the view of the registered world, not loaded yet."""
    return Atlas(store, now, lateness_s=settings.lateness_s, future_s=settings.future_s)


def make_lanes(
    settings: Settings,
    store: TimescaleStore,
    publisher: KafkaPublisher,
    atlas: Atlas,
    *,
    only: frozenset[str] = frozenset(),
    lane: Lane | None = None,
) -> list[LaneApp]:
    """Give one Faust app per lane with the hops asked for."""
    apps: list[LaneApp] = []
    for each in Lane if lane is None else (lane,):
        chosen = steps(only, each)
        if chosen:
            hops = [_hop(step, settings, store, publisher, atlas) for step in chosen]
            app = LaneApp(
                each, kafka_of(settings), store, hops, worker_id=settings.worker_id, poison_ratio=settings.poison_ratio,
                on_ready=partial(_note_ready, each),
            )  # fmt: skip
            apps.append(app)
    return apps


def _hop(step: Step, settings: Settings, store: TimescaleStore, publisher: KafkaPublisher, atlas: Atlas) -> Hop:
    match step.hop:
        case "normalize":
            if step.sends is None:
                raise UsageError(f"the pipeline table has no topic to send to for {step}")
            return NormalizeHop(step.reads, step.sends, atlas, publisher, PoisonGauge(settings.poison_ratio))
        case "store":
            return StoreHop(step.reads, store)
        case "evaluate":
            return EvaluateHop(step.reads, store, atlas, library(), now)
        case "correlate":
            return CorrelateHop(store, atlas, now)


def _note_ready(lane: Lane, hop: str, problem: str) -> None:
    READY.labels(lane, hop).set(0 if problem else 1)


def lanes_named(lane: str | None) -> Lane | None:
    """Give the lane of a name, None for all; raises UsageError for another word."""
    if lane is None:
        return None
    try:
        return Lane(lane)
    except ValueError:
        raise UsageError(f"There is no lane {lane!r}: choose {' or '.join(Lane)}.") from None


def hops_named(names: Sequence[str]) -> frozenset[str]:
    """Give the hops of some names; raises UsageError for an unknown one."""
    known = {step.hop for step in steps()} | {"relay"}
    unknown = sorted(set(names) - known)
    if unknown:
        raise UsageError(f"There is no hop {unknown[0]!r}: choose among {', '.join(sorted(known))}.")
    return frozenset(names)
