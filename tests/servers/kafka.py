"""Real Apache Kafka (KRaft, one node) under test: its jars come through Maven, this machine's Java runs it."""

from __future__ import annotations

import base64
import shutil
import subprocess
import uuid
from pathlib import Path

from deploy.local.broker import answers_kafka
from deploy.local.process import Command, run_to_end
from deploy.local.server import LOOPBACK, EmbeddedServer, free_port
from tests.servers import cache_dir, staged

POM = Path(__file__).with_name("kafka-pom.xml")
#: Small and cheap: the default collector cleans up beside the work, with threads of its own, on two cores.
MEMORY = ("-Xmx512m", "-XX:+UseSerialGC")
LOG_CONFIG = """
appenders = console
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d %p %m%n
rootLogger.level = WARN
rootLogger.appenderRefs = console
rootLogger.appenderRef.console.ref = console
"""


class Kafka(EmbeddedServer):
    """Apache Kafka in KRaft mode, broker and controller in one process."""

    name = "kafka"
    stop_timeout_s = 30.0

    def __init__(self, home: Path, *, port: int = 0) -> None:
        super().__init__(home, port=port)
        self._controller_port = free_port()

    @property
    def bootstrap(self) -> str:
        """Address for Kafka clients."""
        return f"{LOOPBACK}:{self.port}"

    def unavailable(self) -> str | None:
        """Tell when Java, or Maven for the first time, is missing."""
        if shutil.which("java") is None:
            return "Apache Kafka needs Java 17: apt-get install openjdk-17-jre-headless"
        if not _jars().exists() and shutil.which("mvn") is None:
            return "Fetching Apache Kafka needs Maven: apt-get install maven"
        return None

    def prepare(self) -> None:
        """Fetch the jars once, write the configuration, format the storage once."""
        fetch_jars()
        settings = self.home / "server.properties"
        if settings.exists():
            return
        (self.home / "log4j2.properties").write_text(LOG_CONFIG, encoding="utf-8")
        settings.write_text("\n".join(f"{k}={v}" for k, v in self._properties().items()), encoding="utf-8")
        self.log_path.parent.mkdir(exist_ok=True)
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        named = f"--cluster-id={cluster}"  # in one word: one of 64 begins with "-", and alone reads as an option
        argv = self._java("kafka.tools.StorageTool", "format", named, "-c", str(settings), "--ignore-formatted")
        run_to_end(Command(argv, self.log_path))

    def command(self) -> Command:
        """Kafka's own main class."""
        return Command(self._java("kafka.Kafka", str(self.home / "server.properties")), self.log_path)

    def answers(self) -> bool:
        """Ask for the API versions."""
        return answers_kafka(LOOPBACK, self.port)

    def discard(self) -> None:
        """Remove its data."""
        shutil.rmtree(self.home, ignore_errors=True)

    def _java(self, main_class: str, *arguments: str) -> tuple[str, ...]:
        java = shutil.which("java") or "java"
        config = f"-Dlog4j2.configurationFile={self.home / 'log4j2.properties'}"
        return (java, *MEMORY, "-XX:TieredStopAtLevel=1", config, "-cp", f"{_jars()}/*", main_class, *arguments)

    def _properties(self) -> dict[str, object]:
        controller = f"{LOOPBACK}:{self._controller_port}"
        return {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@{controller}",
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap}",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": self.home / "data",
            "auto.create.topics.enable": "false",
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 3,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
            # after kill -9 the controller knows the old broker for this long: the new one waits
            "broker.session.timeout.ms": 2000,
            "broker.heartbeat.interval.ms": 500,
            "log.initial.task.delay.ms": 1000,
            "log.retention.check.interval.ms": 1000,
        }


def fetch_jars() -> Path:
    """Let Maven copy Kafka's jars to the cache, once per version of the pom."""
    jars = _jars()
    if not jars.exists():
        place = staged(jars)
        goal = ["dependency:copy-dependencies", f"-DoutputDirectory={place}"]
        subprocess.run(["mvn", "--batch-mode", "--quiet", "--file", str(POM), *goal], check=True, timeout=600)
        place.rename(jars)
    return jars


def _jars() -> Path:
    version = POM.read_text(encoding="utf-8").rpartition("<version>")[2].partition("<")[0]
    return cache_dir() / f"kafka-{version}"
