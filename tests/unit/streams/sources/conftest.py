"""Pushes bytes through an adapter and the edge as a raw record of a source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from schemas.events import Device, Source
from streams.sources.abstract import RawRecord
from streams.sources.admitted import Admitted
from streams.sources.edge import Edge

SAMPLES = Path(__file__).parent / "samples"
RECEIVED_AT = datetime(2025, 11, 19, 0, 10, tzinfo=UTC)

Admit = Callable[..., Admitted]


def raw_record(wire: str, raw: bytes, headers: Mapping[str, bytes] | None = None, **source: Any) -> RawRecord:
    """Give a raw record of a source of that format."""
    feed = Source(**({"id": "feed", "kind": "sensor", "format": wire} | source))
    return RawRecord(feed, raw, headers or {}, RECEIVED_AT, "canh.raw.bulk", 2, 77)


@pytest.fixture
def admit() -> Admit:
    """Give a function: format, bytes or the name of a sample, and fields of the source; what the edge makes of it."""

    def run(
        wire: str,
        raw: bytes | str,
        headers: Mapping[str, bytes] | None = None,
        devices: Mapping[str, Device] | None = None,
        **source: Any,
    ) -> Admitted:
        if isinstance(raw, str):
            raw = (SAMPLES / wire / raw).read_bytes()
        return Edge(devices or {}).admit([raw_record(wire, raw, headers, **source)])

    return run
