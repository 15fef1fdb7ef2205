from __future__ import annotations

import json
from collections.abc import Callable

import msgspec
import polars as pl
import pytest

from schemas.codec import decode_canonical, decode_feed_entry, decode_signal, encode
from schemas.errors import PoisonMessageError
from schemas.events import ObservationBatch, Record
from tests.unit.deploy.examples import EXAMPLES

DECODERS: dict[str, Callable[[bytes], object]] = {
    **dict.fromkeys(("detection.v1", "report.v1", "alert.v1", "position.v1", "case.v1"), decode_canonical),
    "signal.v1": decode_signal,
    "feed_entry.v1": decode_feed_entry,
}
_WORDS, _TIME = pl.List(pl.String), pl.Datetime("us", "UTC")
#: Every layout of a batch that was ever on the bus, by its version.
LAYOUTS: dict[str, dict[str, object]] = {
    "observations.v2": {
        "source": pl.String, "device": pl.String, "metric": pl.String, "observed_at": _TIME, "received_at": _TIME,
        "value": pl.Float64, "source_value": pl.Float64, "source_unit": pl.String, "lon": pl.Float64, "lat": pl.Float64,
        "commune": pl.String, "zone_ids": _WORDS, "marks": _WORDS,
    },
}  # fmt: skip


def grown(record: Record) -> bytes:
    """Give the bytes of a record, with a field that only a newer program knows, in it and in the records in it."""

    def more(part: object) -> object:
        if not isinstance(part, dict):
            return part
        return {name: more(value) if name != "detail" else value for name, value in part.items()} | {
            "added_later": {"a": [1]}
        }

    return json.dumps(more(json.loads(encode(record)))).encode()


@pytest.mark.parametrize("name", sorted(DECODERS))
def test_a_reader_bears_what_a_newer_writer_adds(name: str) -> None:
    """While processes are renewed one by one, a field that an older one does not know loses no event."""
    assert DECODERS[name](grown(EXAMPLES[name])) == EXAMPLES[name]


def test_what_is_missing_is_still_refused() -> None:
    """To bear more is not to bear less: an event without a field that it must have is no event."""
    fields = json.loads(encode(EXAMPLES["detection.v1"]))
    del fields["device"]
    with pytest.raises(PoisonMessageError, match="device"):
        decode_canonical(msgspec.json.encode(fields))


def test_the_layout_of_a_batch_belongs_to_its_version() -> None:
    """Readers refuse a batch with other columns, so columns, types and order change only with a new version."""
    told = "the layout of a batch changed: give ObservationBatch.KIND a new version and add its layout here"
    assert list(ObservationBatch.SCHEMA.items()) == list(LAYOUTS[ObservationBatch.KIND].items()), told
