"""Peer: Bytewax: one worker reads the topic, maps each event, and its sink writes the batches that it is given."""

# installed in the peers' venv only
# mypy: disable-error-code="import-not-found, misc"

from __future__ import annotations

from bytewax import operators as op
from bytewax.connectors.kafka import KafkaSource, KafkaSourceMessage
from bytewax.dataflow import Dataflow
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import run_main

from tests.bench.peers import work

#: Records of one batch from the source; the sink gets them as they were cut there.
BATCH = 5_000
zones, meter = work.Zones(), work.Meter()


def read(message: KafkaSourceMessage[bytes | None, bytes]) -> work.Row:
    """Decode and check one event."""
    meter.begin()
    return work.decoded(message.value)


class Writer(StatelessSinkPartition[work.Row]):
    """Places and writes batches."""

    def __init__(self) -> None:
        self._connection = work.connect()

    def write_batch(self, items: list[work.Row]) -> None:
        """Write one batch in one transaction."""
        work.write(self._connection, zones.place_all(items))
        meter.add(len(items))


class Sink(DynamicSink[work.Row]):
    """One writer for each worker."""

    def build(self, step_id: str, worker_index: int, worker_count: int) -> Writer:
        """Give a writer."""
        return Writer()


def main() -> None:
    """Run until enough is written."""
    flow = Dataflow("bench")
    stream = op.input("in", flow, KafkaSource([work.BOOTSTRAP], [work.TOPIC], tail=True, batch_size=BATCH))
    op.output("out", op.map("read", stream, read), Sink())
    run_main(flow)


if __name__ == "__main__":
    main()
