"""Real messages made by others, pushed through adapters and edge: each lands or is refused as a person would agree.

The files are not ours and not in the repository: a folder named by CANH_TEST_SAMPLES, or ../shared/samples beside it.
"""

from __future__ import annotations

import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.codec import decode_canonical, encode
from schemas.events import Source
from streams.sources.abstract import RawRecord
from streams.sources.edge import Edge

SAMPLES = Path(os.environ.get("CANH_TEST_SAMPLES", Path(__file__).parents[3] / "shared" / "samples"))

#: File, format, observations, other events, refusals by reason; the reasons are told in
#: docs/reference/interoperability.md.
EXPECTED: list[tuple[str, str, int, int, dict[str, int]]] = [
    ("camera/axis-fence-guard.xml", "onvif", 0, 0, {"unsupported": 1}),
    ("camera/axis-object-analytics.xml", "onvif", 0, 0, {"unsupported": 1}),
    ("camera/axis-pir-change.xml", "onvif", 0, 1, {}),
    ("camera/frigate-event-end.json", "frigate", 0, 1, {}),
    ("camera/frigate-event-full.json", "frigate", 0, 1, {}),
    ("camera/frigate-event-new-good.json", "frigate", 0, 1, {}),
    ("camera/frigate-event-new-ignored.json", "frigate", 0, 1, {}),
    ("camera/frigate-event-update-good.json", "frigate", 0, 1, {}),
    ("camera/frigate-event-update-stationary.json", "frigate", 0, 1, {}),
    ("camera/hikvision-fielddetection-human.xml", "hikvision", 0, 1, {}),
    ("camera/hikvision-fielddetection-ipc.xml", "hikvision", 0, 1, {}),
    ("camera/hikvision-fielddetection-vehicle.xml", "hikvision", 0, 1, {}),
    ("camera/hikvision-io-cam3.xml", "hikvision", 0, 1, {}),
    ("camera/hikvision-io.xml", "hikvision", 0, 1, {}),
    ("camera/hikvision-nvr-fielddetection.xml", "hikvision", 0, 1, {}),
    ("camera/hikvision-pir-psia.xml", "hikvision", 0, 1, {}),
    ("camera/onvif-pull-messages.xml", "onvif", 0, 0, {"unsupported": 8}),
    ("cloudevents/bad-missing-specversion.xml", "cloudevents", 0, 0, {"bad_shape": 1}),
    ("cloudevents/base64-json-data.json", "cloudevents", 0, 0, {"bad_shape": 1}),
    ("cloudevents/fractional-time.json", "cloudevents", 0, 0, {"bad_shape": 1}),
    ("cloudevents/json-data-extensions.json", "cloudevents", 0, 0, {"bad_shape": 1}),
    ("cloudevents/json-data.json", "cloudevents", 0, 0, {"bad_shape": 1}),
    ("cloudevents/json-data.xml", "cloudevents", 0, 0, {"bad_shape": 1}),
    ("cloudevents/minimal.json", "cloudevents", 0, 0, {"unsupported": 1}),
    ("cloudevents/numeric-extension.json", "cloudevents", 0, 0, {"unsupported": 1}),
    ("cloudevents/subject-null.json", "cloudevents", 0, 0, {"unsupported": 1}),
    ("cloudevents/text-data.json", "cloudevents", 0, 0, {"unsupported": 1}),
    ("cloudevents/with-extensions.xml", "cloudevents", 0, 0, {"unsupported": 1}),
    ("cloudevents/xml-data-namespaces.xml", "cloudevents", 0, 0, {"bad_json": 1}),
    ("fiware/airqualitymonitoring-keyvalues.json", "ngsi", 3, 0, {"id_conflict": 1, "bad_unit": 7}),
    ("fiware/airqualityobserved-keyvalues.json", "ngsi", 0, 0, {"bad_time": 4, "bad_unit": 2}),
    ("fiware/airqualityobserved-normalized.jsonld", "ngsi", 0, 0, {"bad_time": 7}),
    ("fiware/alert-normalized.json", "ngsi", 0, 1, {}),
    ("fiware/alert-traffic-keyvalues.json", "ngsi", 0, 1, {}),
    ("fiware/anprflowobserved-keyvalues.json", "ngsi", 0, 0, {"unsupported": 1}),
    ("fiware/crowdflowobserved-keyvalues.json", "ngsi", 1, 0, {}),
    ("fiware/device-normalized.jsonld", "ngsi", 0, 0, {"bad_time": 1}),
    ("fiware/fleetvehiclestatus-normalized.jsonld", "ngsi", 1, 1, {}),
    ("fiware/floodmonitoring-keyvalues.json", "ngsi", 1, 0, {}),
    ("fiware/floodmonitoring-normalized.jsonld", "ngsi", 1, 0, {}),
    ("fiware/itemflowobserved-keyvalues.json", "ngsi", 0, 0, {"unsupported": 1}),
    ("fiware/noiselevelobserved-normalized.json", "ngsi", 1, 0, {}),
    ("fiware/noiselevelobserved.jsonld", "ngsi", 1, 0, {}),
    ("fiware/noisepollution-normalized.json", "ngsi", 0, 0, {"unsupported": 1}),
    ("fiware/parkingspot-normalized.json", "ngsi", 0, 0, {"unsupported": 1}),
    ("fiware/streetlight-normalized.jsonld", "ngsi", 0, 0, {"unsupported": 1}),
    ("fiware/trafficflowobserved-normalized.jsonld", "ngsi", 2, 0, {}),
    ("fiware/wastecontainer-normalized.jsonld", "ngsi", 0, 0, {"unsupported": 1}),
    ("fiware/wastecontainerisle-keyvalues.json", "ngsi", 0, 0, {"unsupported": 1}),
    ("fiware/waterobserved-geojsonfeature.json", "ngsi", 1, 0, {"bad_unit": 1}),
    ("fiware/waterobserved-normalized.json", "ngsi", 1, 0, {"bad_unit": 2, "id_conflict": 1}),
    ("fiware/weatherforecast-keyvalues.json", "ngsi", 0, 0, {"unsupported": 1}),
    ("fiware/weatherobserved-normalized.json", "ngsi", 5, 0, {}),
    ("senml/rfc8428-base-values.json", "senml", 7, 0, {}),
    ("senml/rfc8428-base-values.xml", "senml", 7, 0, {}),
    ("senml/rfc8428-collection-link.json", "senml", 2, 0, {}),
    ("senml/rfc8428-mixed-types.json", "senml", 1, 0, {"unsupported": 3}),
    ("senml/rfc8428-moving-sensor.json", "senml", 5, 0, {}),
    ("senml/rfc8428-moving-sensor.xml", "senml", 5, 0, {}),
    ("senml/rfc8428-series.json", "senml", 12, 0, {}),
    ("senml/rfc8428-single.json", "senml", 1, 0, {}),
    ("senml/rfc8428-wrapped.json", "senml", 7, 0, {}),
    ("sensorthings/batch-post.json", "sensorthings", 16, 0, {"bad_unit": 16}),
    ("sensorthings/location-submitted.json", "sensorthings", 0, 0, {"unsupported": 1}),
    ("sensorthings/observation-released.json", "sensorthings", 0, 0, {"bad_shape": 1}),
    ("sensorthings/thing-deep-insert.json", "sensorthings", 4, 0, {}),
]


def admit(path: Path, wire: str) -> tuple[int, int, dict[str, int]]:
    record = RawRecord(
        Source(id="s", kind="sensor", format=wire), path.read_bytes(), {}, datetime(2026, 10, 1, tzinfo=UTC), "t", 0, 0
    )
    admitted = Edge({}).admit([record])
    assert decode_canonical(admitted.observations.to_bytes()) == admitted.observations
    for event in admitted.events:
        assert decode_canonical(encode(event)) == event
    return (
        len(admitted.observations),
        len(admitted.events),
        dict(Counter(letter.reason for letter in admitted.dead_letters)),
    )


@pytest.mark.parametrize(
    ("name", "wire", "observations", "events", "reasons"), EXPECTED, ids=[row[0] for row in EXPECTED]
)
def test_sample_lands_or_is_refused_with_its_reason(
    name: str, wire: str, observations: int, events: int, reasons: dict[str, int]
) -> None:
    """Each file gives the events that are in it, and a refusal for each thing that is no event or cannot be one."""
    path = SAMPLES / name
    if not path.exists():
        pytest.skip(f"sample {name} is not here: set CANH_TEST_SAMPLES to a folder of samples")
    assert admit(path, wire) == (observations, events, reasons)


def test_no_sample_of_a_family_is_forgotten() -> None:
    """A new file in the folder must get a row in the table."""
    if not SAMPLES.exists():
        pytest.skip("no folder of samples: set CANH_TEST_SAMPLES")
    families = {row[0].partition("/")[0] for row in EXPECTED}
    found = {f"{family}/{path.name}" for family in families for path in (SAMPLES / family).iterdir()}
    assert found == {row[0] for row in EXPECTED}
