"""What the fast lane remembers of devices and metrics: right, bounded, and gone when the registry has changed."""

from __future__ import annotations

import gc
import weakref
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.events import Device, Source
from streams.sources import plans
from streams.sources.abstract import RawRecord
from streams.sources.edge import Edge
from streams.sources.known import Known
from streams.sources.plans import PlanTable

AT = datetime(2025, 11, 19, tzinfo=UTC)
NATIVE = b'{"device":"d","metric":"rain","value":1,"observed_at":"2025-11-19T00:00:00Z"}'
ONE, OTHER = (
    Source(id=name, kind="sensor", format="native", units={"rain": ("rain", unit)})
    for name, unit in (("one", "mm"), ("other", "cm"))
)


@dataclass(slots=True)
class Said:
    """A reading, as far as plans are about it."""

    device: str
    metric: str = "rain"
    unit: str | None = None


class Devices(dict[str, Device]):
    """Devices of a registry that a weak reference can point to."""


@pytest.fixture
def table() -> PlanTable:
    """Give an empty table over a registry that knows one device."""
    return PlanTable(Known({"d": Device(id="d", source="one", lon=108.0, lat=13.0)}), lambda _: 0, lambda _: True)


def test_a_plan_puts_a_device_and_a_metric_together(table: PlanTable) -> None:
    """Each has its own place and scale, whatever came before it in whichever run."""
    said = [Said("d"), Said("e", unit="cm"), Said("e", "noise_laeq")]
    numbers = table.numbers([ONE] * 3, said)
    again = table.numbers([ONE, OTHER, ONE], [said[1], said[0], said[0]])
    assert (numbers.tolist(), again.tolist()) == ([0, 1, 2], [1, 3, 0])
    rows = table.rows(again).select("source", "device", "metric", "lon", "source_unit", "converts").rows()
    assert rows == [
        ("one", "e", "rain", None, "cm", True),
        ("other", "d", "rain", 108.0, "cm", True),
        ("one", "d", "rain", 108.0, None, False),
    ]
    assert [scale.value(1.0) for scale in table.scales(again.tolist())] == [10.0, 10.0, 1.0]


def test_what_is_refused_has_no_plan_and_takes_no_number(table: PlanTable) -> None:
    """A sender that invents names of devices with units that nobody knows leaves no trace, however often it sends."""
    invented = [Said(f"d{i}", unit=f"no unit {i}") for i in range(9)]
    for _ in range(2):
        assert table.numbers([ONE] * 11, [Said("d"), *invented, Said(" ")]).tolist() == [0, *[-1] * 10]
    assert table.numbers([ONE], [Said("e")]).tolist() == [1]
    assert table.rows(table.numbers([ONE, ONE], [Said("e"), Said("d")]))["device"].to_list() == ["e", "d"]


def test_a_sender_that_invents_devices_does_not_fill_the_memory(
    table: PlanTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond a number of plans all are worked out anew."""
    monkeypatch.setattr(plans, "REMEMBERED", 2)
    for start in (0, 3, 6):
        numbers = table.numbers([ONE] * 3, [Said(f"d{start + i}") for i in range(3)])
        assert numbers.tolist() == [0, 1, 2]
        assert table.rows(numbers)["device"].to_list() == [f"d{start + i}" for i in range(3)]


def test_an_edge_that_was_replaced_is_gone_at_once() -> None:
    """Each change of the registry makes a new one, an old one may be 30 MB, and garbage is collected seldom."""
    devices = Devices()
    edge = Edge(devices)
    edge.admit([RawRecord(ONE, NATIVE, {}, AT, "t", 0, 0), RawRecord(OTHER, NATIVE, {}, AT, "t", 0, 1)])
    left: list[weakref.ref[Any]] = [weakref.ref(edge), weakref.ref(devices)]
    gc.disable()
    try:
        del edge, devices
        assert [each() for each in left] == [None, None]
    finally:
        gc.enable()
