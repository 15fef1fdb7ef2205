"""Peer: Quix Streams 3: each event decoded, checked and placed by itself, a batching sink writes."""

# installed in the peers' venv only
# mypy: disable-error-code="import-not-found, misc"

from __future__ import annotations

from quixstreams import Application
from quixstreams.sinks import BatchingSink, SinkBatch

from tests.bench.peers import work

zones, meter = work.Zones(), work.Meter()


def placed(raw: bytes) -> work.Row:
    """Decode, check and place one event."""
    meter.begin()
    return zones.place(work.decoded(raw))


class Sink(BatchingSink):
    """Writes what a checkpoint has gathered for a partition."""

    def __init__(self) -> None:
        super().__init__()
        self._connection = work.connect()

    def write(self, batch: SinkBatch) -> None:
        """Write one batch in one transaction."""
        rows = [item.value for item in batch]
        work.write(self._connection, rows)
        meter.add(len(rows))


def main() -> None:
    """Run until enough is written."""
    app = Application(
        broker_address=work.BOOTSTRAP, consumer_group="quix", auto_offset_reset="earliest", commit_interval=0.5,
        auto_create_topics=False, loglevel="WARNING",
    )  # fmt: skip
    topic = app.topic(work.TOPIC, value_deserializer="bytes", key_deserializer="bytes")
    app.dataframe(topic).apply(placed).sink(Sink())
    app.run()


if __name__ == "__main__":
    main()
