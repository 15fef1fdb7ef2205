"""What a person may register as a source."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from deploy.demo.sources import sources
from schemas.errors import UsageError
from schemas.events import Source
from streams.sources.registration import KINDS, check_source

GOOD = Source(
    id="air-tuy-hoa",
    kind="sensor",
    format="ngsi",
    cadence_s=600.0,
    units={"so2": ("so2", "ug/m3"), "no2": ("no2", "[ppb]{NO2}"), "t": ("temperature", ""), "x": ("my_own", "m")},
    lon=109.31,
    lat=13.09,
    srid=9218,
)


def changed(**changes: Any) -> Source:
    return msgspec.structs.replace(GOOD, **changes)


@pytest.mark.parametrize(
    ("changes", "field", "hint"),
    [
        ({"id": ""}, "id", "air-tuy-hoa"),
        ({"id": "a b/ç\n"}, "id", "one line"),
        ({"id": " a"}, "id", "blanks"),
        ({"id": "a\0"}, "id", "one line"),
        ({"id": "Tra\u0323m"}, "id", "NFC"),
        ({"id": "x" * 257}, "id", "256"),
        ({"id": "*"}, "id", "'*'"),
        ({"kind": "nonsense"}, "kind", "camera"),
        ({"kind": ""}, "kind", "sensor"),
        ({"format": "carrier-pigeon"}, "format", "native"),
        ({"format": "cloudevents", "options": {"data_format": "nosuch"}}, "options.data_format", "senml"),
        ({"format": "cloudevents", "options": {"data_format": "cloudevents"}}, "options.data_format", "another"),
        ({"cadence_s": -5.0}, "cadence_s", "600"),
        ({"cadence_s": 0.0}, "cadence_s", "600"),
        ({"cadence_s": float("nan")}, "cadence_s", "600"),
        ({"cadence_s": 1e300}, "cadence_s", "600"),
        ({"srid": 1234}, "srid", "9218"),
        ({"lon": 999.0}, "lon", "109.31"),
        ({"lat": None}, "lat", "109.31"),
        ({"lon": None}, "lon", "109.31"),
        ({"lat": float("inf")}, "lat", "109.31"),
        ({"units": {"t": ("temperature", "furlong")}}, "units.t", '[temperature, "Cel"]'),
        ({"units": {"t": ("temperature", "kg")}}, "units.t", '[temperature, "Cel"]'),
        ({"units": {"t": ("my_own", "furlong")}}, "units.t", '[my_own, "m"]'),
        ({"units": {"no2": ("no2", "ppb")}}, "units.no2", "{NO2}"),
    ],
)
def test_nonsense_is_refused_with_its_field_and_an_example(changes: dict[str, Any], field: str, hint: str) -> None:
    """Registered all the same it would mark, refuse or silence every event of the source, hours later."""
    with pytest.raises(UsageError) as refused:
        check_source(changed(**changes))
    assert f": {field}" in str(refused.value)
    assert hint in str(refused.value)


def test_all_that_is_wrong_is_said_at_once() -> None:
    """A person mends the file once."""
    with pytest.raises(UsageError, match=r"(?s)kind .*cadence_s .*srid "):
        check_source(changed(kind="?", cadence_s=0.0, srid=1))


@pytest.mark.parametrize(
    "source",
    [
        GOOD,
        *(changed(kind=kind) for kind in KINDS),
        changed(id="https://example.vn/sensors/tn-1234", lon=None, lat=None, cadence_s=None, units={}),
        changed(id="Trạm khí tượng", format="cloudevents", options={"data_format": "senml"}),
        *sources(replay=True),
    ],
)
def test_what_can_work_is_taken(source: Source) -> None:
    """All kinds, an address as a CloudEvents producer names itself, Vietnamese names, the demo's own sources."""
    check_source(source)
