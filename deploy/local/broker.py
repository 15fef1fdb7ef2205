"""The embedded broker: reads HOME/broker, gives Kafka's protocol on the loopback address (wheel `noida-db`).

It keeps all records in memory and rewrites one snapshot file every few seconds: SIGTERM saves everything,
kill -9 loses what came after the last snapshot. Numbers: docs/decisions/0005-embedded-servers.md.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
from pathlib import Path

from deploy.local.process import Command
from deploy.local.server import LOOPBACK, EmbeddedServer, wheel_dir

SNAPSHOT = Path("broker", "kafka.json")  # below HOME; written aside and renamed
SEGMENTS = 8  # of a partition: what is kept goes over its limit by an eighth at most
LEAST_SEGMENT_BYTES = 1 << 20  # Apache Kafka 4.1 takes no smaller ones; the same settings work there
PROBE_TIMEOUT_S = 1.0
PROBE_CORRELATION_ID = 1
# Kafka protocol: length, API key 18 (ApiVersions), API version 0, correlation id, client id "canh"
API_VERSIONS_REQUEST = struct.pack(">ihhih4s", 14, 18, 0, PROBE_CORRELATION_ID, 4, b"canh")


class Broker(EmbeddedServer):
    """A Kafka-compatible broker on 127.0.0.1; `port` 0 takes a free one."""

    name = "broker"
    stop_timeout_s = 30.0  # it writes its snapshot on SIGTERM

    @property
    def bootstrap(self) -> str:
        """The address for Kafka clients."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def data_dir(self) -> Path:
        """Where the snapshot file is."""
        return self.home / "broker"

    def prepare(self) -> None:
        """Make the data directory; the broker itself copes with what a crash left there."""
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)

    def command(self) -> Command:
        """Only the Kafka service of the binary, in the foreground, on the loopback address."""
        return Command(
            argv=(
                str(binary()), "start", "--only", "kafka",
                "--host", LOOPBACK, "--kafka-port", str(self.port), "--data-dir", str(self.data_dir),
            ),
            log_path=self.log_path,
            orphan_signal=signal.SIGTERM,
        )  # fmt: skip

    def answers(self) -> bool:
        """Ask for the API versions, as every Kafka client does first."""
        return answers_kafka(LOOPBACK, self.port)


def topic_config(retention_ms: int, retention_bytes: int) -> dict[str, str]:
    """Give the topic settings with which this broker really deletes; `retention_bytes` is for each partition.

    As in Apache Kafka only closed segments go, and a segment is closed when the next record comes after its
    time or size: without these two a topic that always gets records would grow for ever, in memory.
    """
    return {
        "cleanup.policy": "delete",
        "retention.ms": str(retention_ms),
        "retention.bytes": str(retention_bytes),
        "segment.ms": str(max(retention_ms // SEGMENTS, 1000)),
        "segment.bytes": str(max(retention_bytes // SEGMENTS, LEAST_SEGMENT_BYTES)),
    }


def answers_kafka(host: str, port: int) -> bool:
    """Tell whether a Kafka broker answers at this address within a second."""
    try:
        with socket.create_connection((host, port), PROBE_TIMEOUT_S) as connection:
            connection.sendall(API_VERSIONS_REQUEST)
            answer = connection.recv(8)
    except OSError:
        return False
    return len(answer) == 8 and struct.unpack(">ii", answer)[1] == PROBE_CORRELATION_ID


def binary() -> Path:
    """Give the broker's executable from the wheel; raises UsageError when the wheel is missing."""
    path = wheel_dir("noida_db", "broker", "CANH_KAFKA") / "noida-db"
    if not os.access(path, os.X_OK):
        path.chmod(0o755)  # some installers drop the executable bit
    return path
