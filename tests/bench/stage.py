"""Puts up what a bench runs on: fresh servers (CANH_TEST_BROKER, CANH_TEST_DATABASE) and Canh's own processes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from kafka.admin import KafkaAdminClient, NewTopic
from pydantic import SecretStr

from deploy.bootstrap import make_store
from deploy.local.process import Child, Command
from deploy.local.server import LOOPBACK, free_port
from deploy.settings import Settings
from deploy.stack import WorkerProcess, answers_ready, api_url, environment
from deploy.topics import create_topics
from schemas.store.timescale import TimescaleStore
from schemas.topics import OBSERVATIONS, RAW_BULK
from streams.fetch import FETCH_WAIT_MS
from tests.bench.trace import TRACE_VARIABLE, Trace
from tests.bench.warm import warm
from tests.servers import BrokerServer, DatabaseServer, chosen_broker, chosen_database

ROOT = Path(__file__).parents[2]
#: A process of ours that is not ready by then never will be.
READY_S = 60.0
#: `canh worker` as it is: both lanes, all hops.
PLAIN = WorkerProcess()


@dataclass
class Stage:
    """Running servers with topics and tables, and the processes started so far by name."""

    broker: BrokerServer
    database: DatabaseServer
    settings: Settings
    dsn: str
    children: dict[str, Child] = field(default_factory=dict)
    _ports: dict[str, int] = field(default_factory=dict)
    _traces: dict[str, Trace] = field(default_factory=dict)

    def pids(self) -> dict[str, int]:
        """Give the process ids of everything that works."""
        servers = {"broker": self.broker.pid or 0, "database": self.database.pid or 0}
        return servers | {name: child.pid for name, child in self.children.items() if child.running()}

    def trace(self, name: str = "worker") -> Trace:
        """Give what a worker has written about its runs so far, over all its lives."""
        return self._traces.setdefault(name, Trace(self.settings.home / "trace" / name))

    def traces(self) -> list[Trace]:
        """Give the traces of all workers."""
        return list(self._traces.values())

    def start_worker(
        self, name: str = "worker", process: WorkerProcess = PLAIN, *more: str, watched: bool = True
    ) -> None:
        """Run `canh worker`, under watch (worker.py) or as it is; returns at once, see `working` and `ready`."""
        self._ports[name] = free_port()
        settings = self.settings.model_copy(update={"worker_id": name, "metrics_port": self._ports[name]})
        trace = self.trace(name).path
        trace.parent.mkdir(exist_ok=True)
        argv = ("-m", "tests.bench.worker") if watched else ("-m", "deploy.cli", "worker")
        argv = (*argv, *process.arguments, *more)
        self._run(name, settings, argv, {TRACE_VARIABLE: str(trace)}, nice=process.nice)

    def start_api(self) -> None:
        """Run `canh api` and wait until it answers."""
        self._run("api", self.settings, ("-m", "deploy.cli", "api"), {})
        self._wait("api", partial(answers_ready, api_url(self.settings) + "/health/ready"))

    def ready(self, name: str = "worker") -> None:
        """Wait until a worker has its partitions."""
        self._wait(name, partial(answers_ready, f"http://{LOOPBACK}:{self._ports[name]}/health/ready"))

    @contextmanager
    def held(self, *names: str) -> Iterator[None]:
        """Let workers stand still meanwhile; shorter than a broker's patience with a member of a group (15 s)."""
        pids = [self.pids()[name] for name in names]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(2 * FETCH_WAIT_MS / 1000)  # what they asked for is answered by then, with nothing
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    def working(self, name: str = "worker") -> None:
        """Wait until a worker was handed its first records."""
        self._wait(name, self.trace(name).begun, every_s=0.005)

    def _run(self, name: str, settings: Settings, argv: Sequence[str], more: dict[str, str], *, nice: int = 0) -> None:
        log = settings.home / "logs" / f"{name}.log"
        env = os.environ | environment(settings) | {"PYTHONPATH": str(ROOT)} | more
        self.children[name] = Child(Command((sys.executable, *argv), log, env=env, nice=nice))

    def _wait(self, name: str, there: Callable[[], object], every_s: float = 0.1) -> None:
        deadline = time.monotonic() + READY_S
        while not there():
            if not self.children[name].running() or time.monotonic() > deadline:
                log = self.settings.home / "logs" / f"{name}.log"
                raise RuntimeError(f"{name} did not become ready:\n{log.read_text('utf-8')[-2000:]}")
            time.sleep(every_s)


@contextmanager
def stage(partitions: int = RAW_BULK.partitions) -> Iterator[Stage]:
    """Give empty servers, and take down everything at the end, whatever happened.

    `partitions`: of the bulk lane's topics.
    """
    with ExitStack() as stack:
        broker, database = chosen_broker(), chosen_database()
        for server in (broker, database):
            if reason := server.unavailable():
                raise RuntimeError(reason)
            stack.callback(server.discard)
            server.start()
            stack.callback(server.stop)
        broker.wait_ready(60.0)
        database.wait_ready(60.0)
        dsn = database.create_database()
        make_topics(broker.bootstrap, partitions)
        warm(broker.bootstrap)
        asyncio.run(migrated(dsn))
        made = Stage(broker, database, _settings(broker, dsn), dsn)
        stack.callback(_stop, made)
        yield made


def make_topics(bootstrap: str, partitions: int) -> None:
    """Make all topics as Canh does, the bulk lane's with another number of partitions first where one is asked for."""
    if partitions != RAW_BULK.partitions:
        admin = KafkaAdminClient(bootstrap_servers=bootstrap)
        configs = {"message.timestamp.type": "LogAppendTime"}
        wide = [NewTopic(topic.name, partitions, 1, topic_configs=configs) for topic in (RAW_BULK, OBSERVATIONS)]
        admin.create_topics(wide)
        admin.close()
    create_topics(bootstrap, embedded=True)


async def migrated(dsn: str) -> None:
    """Make the tables of a database."""
    store = TimescaleStore(dsn)
    await store.open()
    await store.migrate()
    await store.close()


def _settings(broker: BrokerServer, dsn: str) -> Settings:
    home = getattr(broker, "home", None)
    return Settings.load(
        **({"home": home} if home else {}),
        kafka=broker.bootstrap,
        database_url=SecretStr(dsn),
        api_port=free_port(),
        metrics_port=free_port(),
        embedded_broker=os.environ.get("CANH_TEST_BROKER", "embedded") == "embedded",
    )


def _stop(made: Stage) -> None:
    for child in made.children.values():
        child.stop(30.0)


def store_of(made: Stage) -> TimescaleStore:
    """Give a store on the stage's database, not open yet."""
    return make_store(made.settings, "bench", size=2)
