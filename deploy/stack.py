"""Puts the whole of Canh together on one machine: embedded servers where none are set, workers and API as children."""

from __future__ import annotations

import asyncio
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import SecretStr

from deploy.bootstrap import open_store
from deploy.local.broker import Broker
from deploy.local.home import Home
from deploy.local.postgres import Postgres
from deploy.local.process import Command
from deploy.local.server import LOOPBACK
from deploy.local.service import Service
from deploy.ports import choose
from deploy.settings import Settings
from deploy.topics import create_topics
from streams.poison import EXIT_REFUSED, TooMuchPoisonError

#: When all want the processor, a flood of telemetry waits and the alarms go first: a share of 110 to their 1,024
#: (sched_prio_to_weight in the kernel), so it goes on when all others of this machine want it too.
_STANDS_BACK = 10


@dataclass(frozen=True, slots=True)
class WorkerProcess:
    """What `canh worker` is told, what CANH_WORKER_ID is followed by, and how nice the process is to others.

    Of two workers of a group with one CANH_WORKER_ID the broker would let in only one. The embedded broker at times
    never answers two that come at once (docs/decisions/0005): there a worker starts when `after` has its partitions.
    """

    arguments: tuple[str, ...] = ()
    id_suffix: str = ""
    nice: int = 0
    after: tuple[str, ...] = ()


_BULK = WorkerProcess(
    ("--lane", "bulk", "--only", "normalize", "--only", "store", "--only", "evaluate"), nice=_STANDS_BACK
)
#: The first does what one worker is enough for: the relay, retention, trimming. Two share the bulk lane, for Python in
#: one process uses one core (docs/decisions/0016).
WORKERS: Mapping[str, WorkerProcess] = {
    "worker-priority": WorkerProcess(("--lane", "priority")),
    "worker-bulk": _BULK,
    "worker-bulk-2": replace(_BULK, id_suffix="-2", after=("worker-bulk",)),
}


@dataclass(frozen=True, slots=True)
class Stack:
    """What runs: the services to keep running, which of them are embedded, and where they are.

    `settings` gives the settings with the real addresses filled in; call it after the servers were prepared, for
    PostgreSQL has no password before its first start.
    """

    services: tuple[Service, ...]
    embedded: tuple[str, ...]
    settings: Callable[[], Settings]
    worker_ports: Mapping[str, int] = field(default_factory=dict)

    def addresses(self) -> dict[str, str]:
        """Give where other commands on this machine find the servers."""
        settings = self.settings()
        return {
            "kafka": str(settings.kafka),
            "database_url": _dsn(settings),
            "api": api_url(settings),
        } | {name: _worker_url(port) for name, port in self.worker_ports.items()}


def build(settings: Settings, home: Home) -> Stack:
    """Decide what to start: what CANH_KAFKA and CANH_DATABASE_URL name is used, the rest is embedded."""
    ports = choose(settings, tuple(WORKERS))
    broker = None if settings.kafka else Broker(home.path, port=ports["broker"])
    postgres = None if settings.database_url else Postgres(home.path, port=ports["postgres"])

    def filled() -> Settings:
        known: dict[str, object] = {"api_port": ports["api"]}
        known |= {} if broker is None else {"kafka": broker.bootstrap, "embedded_broker": True, "worker_id": "up"}
        known |= {} if postgres is None else {"database_url": SecretStr(postgres.dsn)}
        return settings.model_copy(update=known)

    servers = [Service.of(server) for server in (broker, postgres) if server is not None]
    embedded = tuple(service.name for service in servers)
    workers = [_worker(name, ports[name], home, filled, embedded) for name in WORKERS]
    api = Service(
        "api",
        lambda: _child("api", ("api",), home, filled()),
        lambda: answers_ready(api_url(filled()) + "/health/ready"),
        needs=tuple(name for name in embedded if name == "postgres"),  # people work on while all else is down
        prepare=lambda: asyncio.run(_migrate(filled())),
        stop_timeout_s=15.0,
    )
    return Stack((*servers, *workers, api), embedded, filled, {name: ports[name] for name in WORKERS})


def _worker(name: str, port: int, home: Home, filled: Callable[[], Settings], embedded: tuple[str, ...]) -> Service:
    process = WORKERS[name]

    def command() -> Command:
        settings = filled()
        worker_id = settings.worker_id and settings.worker_id + process.id_suffix
        settings = settings.model_copy(update={"metrics_port": port, "worker_id": worker_id})
        return _child(name, ("worker", *process.arguments), home, settings, nice=process.nice)

    return Service(
        name,
        command,
        lambda: answers_ready(f"{_worker_url(port)}/health/ready"),
        needs=(*embedded, *(process.after if "broker" in embedded else ())),
        prepare=lambda: prepare(filled(), embedded="broker" in embedded),
        stop_timeout_s=45.0,
        final={EXIT_REFUSED: TooMuchPoisonError},
    )


def _worker_url(port: int) -> str:
    return f"http://{LOOPBACK}:{port}"


def api_url(settings: Settings) -> str:
    """Give the console's address for a browser on this machine."""
    everywhere = settings.api_host in {"0.0.0.0", "::"}  # noqa: S104 -- compared, not bound
    host = LOOPBACK if everywhere else settings.api_host
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.api_port}"


def _dsn(settings: Settings) -> str:
    return settings.database_url.get_secret_value() if settings.database_url else ""


def prepare(settings: Settings, *, embedded: bool) -> None:
    """Make topics and tables; both only add what is missing."""
    create_topics(str(settings.kafka), embedded=embedded)
    asyncio.run(_migrate(settings))


async def _migrate(settings: Settings) -> None:
    async with open_store(settings, "migrate") as store:
        await store.migrate()


def _child(name: str, arguments: tuple[str, ...], home: Home, settings: Settings, *, nice: int = 0) -> Command:
    """Describe one of our own commands as a child; secrets travel in its environment, never in its arguments."""
    return Command(
        argv=(sys.executable, "-m", "deploy.cli", *arguments),
        log_path=home.logs_dir / f"{name}.log",
        env=os.environ | environment(settings),
        nice=nice,
    )


def environment(settings: Settings) -> dict[str, str]:
    """Give the variables that make a child see the same settings."""
    return {
        "CANH_KAFKA": str(settings.kafka),
        "CANH_DATABASE_URL": _dsn(settings),
        "CANH_API_HOST": settings.api_host,
        "CANH_API_PORT": str(settings.api_port),
        "CANH_METRICS_PORT": str(settings.metrics_port),
        "CANH_WORKER_ID": settings.worker_id,
        "CANH_EMBEDDED_BROKER": str(settings.embedded_broker).lower(),
        "CANH_HOME": str(Path(settings.home).absolute()),
        # Frames are a few thousand rows here: handing them to threads costs more than the threads give.
        "POLARS_MAX_THREADS": "1",
    }


def answers_ready(url: str) -> bool:
    """Tell whether a health address answers 200 within a second."""
    try:
        with urllib.request.urlopen(url, timeout=1.0) as answer:  # noqa: S310 -- our own loopback address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError, ValueError):
        return False
