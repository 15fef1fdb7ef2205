"""Each wire format: what is read from our own samples, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from schemas.errors import UsageError
from schemas.events import Alert, Case, Detection, Position, Report
from streams.sources.admitted import Admitted
from streams.sources.registry import ADAPTERS, adapter

Admit = Callable[..., Admitted]
AT = datetime(2025, 11, 19, tzinfo=UTC)


def rows(admitted: Admitted) -> list[tuple[str, str, float]]:
    return [(row.device, row.metric, row.value) for row in admitted.observations.rows()]


def detections(admitted: Admitted) -> list[Detection]:
    assert all(isinstance(event, Detection) for event in admitted.events)
    return [event for event in admitted.events if isinstance(event, Detection)]


def reasons(admitted: Admitted) -> list[tuple[int, str, str]]:
    return [(letter.item, letter.reason, letter.field) for letter in admitted.dead_letters]


def test_native_observation_converts_the_unit_and_keeps_what_was_sent(admit: Admit) -> None:
    """A level in centimetres is kept in metres beside the sender's value and unit, at its place, in UTC."""
    (row,) = admit("native", "observation.json").observations.rows()
    assert (row.value, row.source_value, row.source_unit) == (34.52, 3452.0, "cm")
    assert (row.lon, row.lat, row.observed_at, row.marks) == (108.9743, 13.0421, AT, ())


def test_native_readings_share_device_and_time(admit: Admit) -> None:
    """Readings take device and time from around them unless they have their own."""
    admitted = admit("native", "readings.json")
    assert rows(admitted) == [
        ("aqm-tuy-hoa-01", "pm2_5", 41.0),
        ("aqm-tuy-hoa-01", "temperature", 27.5),
        ("aqm-tuy-hoa-01", "humidity", 88.0),
    ]
    assert [at.minute for at in admitted.observations.observed_at] == [0, 0, 1]


def test_native_lines_of_all_kinds_are_admitted_or_refused_one_by_one(admit: Admit) -> None:
    """NDJSON with good and bad lines gives the good events and one refusal for each bad line."""
    admitted = admit("native", "mixed.ndjson")
    assert [type(event) for event in admitted.events] == [Detection, Report, Position, Case]
    assert rows(admitted) == [("rain-01", "rain", 12.5)]
    assert reasons(admitted) == [(4, "bad_number", "value"), (6, "bad_shape", "colour"), (7, "bad_json", "")]


def test_a_cloudevents_xml_data_needs_an_adapter_that_reads_xml(admit: Admit) -> None:
    """Without `data_format` it is unsupported, with the way out, and not called malformed JSON; with one it is read."""
    alert = (
        "<EventNotificationAlert><eventType>VMD</eventType><dateTime>2025-11-19T07:00:00+07:00</dateTime>"
        "</EventNotificationAlert>"
    )
    event = {"specversion": "1.0", "id": "1", "source": "//gw", "type": "t", "datacontenttype": "application/xml"}
    raw = json.dumps(event | {"data": alert}).encode()
    refused = admit("cloudevents", raw)
    assert reasons(refused) == [(0, "unsupported", "data")]
    assert "data_format" in refused.dead_letters[0].message
    (read,) = detections(admit("cloudevents", raw, options={"data_format": "hikvision"}))
    assert read.label == "motion"


def test_cloudevent_gives_its_time_to_data_without_one(admit: Admit) -> None:
    """Structured mode: the attribute `time` is the time of observation when the data has none."""
    (row,) = admit("cloudevents", "structured.json").observations.rows()
    assert (row.device, row.value, row.observed_at) == ("rain-02", 4.5, AT)


def test_cloudevents_batch_refuses_only_the_event_of_another_version(admit: Admit) -> None:
    """A batch gives its good events, base64 data included, and names the one that is not 1.0."""
    admitted = admit("cloudevents", "batch.json")
    assert [event.label for event in detections(admitted)] == ["fire"]
    assert rows(admitted) == [("d", "rain", 1.0)]
    assert reasons(admitted) == [(1, "unsupported", "specversion")]


def test_cloudevent_in_xml(admit: Admit) -> None:
    """The XML format carries JSON data in a text."""
    assert rows(admit("cloudevents", "event.xml")) == [("d", "rain", 2.0)]


def test_cloudevent_in_binary_mode_takes_attributes_from_headers(admit: Admit) -> None:
    """With ce_ headers the record's value is the data itself."""
    headers = {
        "ce_specversion": b"1.0",
        "ce_id": b"9",
        "ce_source": b"//gw",
        "ce_type": b"t",
        "ce_time": b"2025-11-19T00:00:00Z",
    }
    raw = b'{"device":"d","metric":"rain","value":3}'
    assert rows(admit("cloudevents", raw, headers)) == [("d", "rain", 3.0)]
    assert reasons(admit("cloudevents", raw, {**headers, "ce_id": b""})) == [(0, "bad_shape", "id")]


def test_cloudevent_carries_another_format_when_the_source_says_so(admit: Admit) -> None:
    """The option data_format names the adapter of the data; a CloudEvent inside a CloudEvent is refused."""
    raw = b'{"specversion":"1.0","id":"1","source":"s","type":"t","data":[{"n":"urn:x:temperature","u":"Cel","v":20}]}'
    assert rows(admit("cloudevents", raw, options={"data_format": "senml"})) == [("urn:x", "temperature", 20.0)]
    assert reasons(admit("cloudevents", raw, options={"data_format": "cloudevents"})) == [(0, "unsupported", "format")]


def test_senml_resolves_base_values_units_and_places(admit: Admit) -> None:
    """Base name and time are added, litres per second become m3/s, lon and lat records give the pack its place."""
    admitted = admit("senml", "pack.json", units={"level": ("water_level", "m"), "flow": ("water_flow", "L/s")})
    device = "urn:dev:mac:0024befffe804ff1"
    assert rows(admitted) == [
        (device, "water_level", 34.5),
        (device, "water_level", 34.4),
        (device, "temperature", 26.5),
        (device, "water_flow", 1.5),
    ]
    assert admitted.observations.observed_at[1] == datetime(2025, 11, 18, 23, 59, tzinfo=UTC)
    assert set(zip(admitted.observations.lon, admitted.observations.lat, strict=True)) == {(108.97, 13.04)}
    assert reasons(admitted) == [(3, "unsupported", "vb")]


def test_senml_in_xml_refuses_a_value_that_is_no_number(admit: Admit) -> None:
    """SenML-XML is read as the JSON form is; NaN is refused by itself."""
    admitted = admit("senml", "pack.xml")
    assert rows(admitted) == [("urn:dev:ow:0001", "humidity", 81.0), ("urn:dev:ow:0001", "humidity", 82.5)]
    assert reasons(admitted) == [(2, "bad_number", "value")]


def test_senml_time_below_2_to_28_counts_from_reception(admit: Admit) -> None:
    """A relative time of -30 s is thirty seconds before the broker took the message."""
    (row,) = admit("senml", "relative.json").observations.rows()
    assert (row.device, row.metric, row.value) == ("urn:dev:ow:0001", "temperature", 27.0)
    assert row.observed_at == datetime(2025, 11, 19, 0, 9, 30, tzinfo=UTC)


def test_senml_places_alone_are_positions_of_a_unit(admit: Admit) -> None:
    """A tracker's pack of lon and lat gives where the unit was at each time, when its source sends positions."""
    fixes = [event for event in admit("senml", "positions.json", kind="vehicle").events if isinstance(event, Position)]
    assert [(fix.unit, fix.lon, fix.lat) for fix in fixes] == [
        ("urn:dev:imei:000000000000017", 108.97, 13.04),
        ("urn:dev:imei:000000000000017", 108.98, 13.05),
    ]
    assert (fixes[1].observed_at - fixes[0].observed_at).total_seconds() == 10


def test_senml_places_alone_say_why_they_are_refused(admit: Admit) -> None:
    """Of a sensor's source they are no event, and the refusal names what would make them one; half a place is none."""
    (letter,) = admit("senml", "positions.json").dead_letters
    assert (letter.reason, letter.field) == ("unsupported", "u")
    assert "vehicle" in letter.message
    half = admit("senml", b'[{"bn":"truck-1/","n":"lon","u":"lon","v":108.9,"bt":1763510400}]', kind="position")
    assert reasons(half) == [(0, "bad_position", "lat")]


@pytest.mark.parametrize(
    ("raw", "reason", "field"),
    [
        (b'{"n":"x","v":1}', "bad_shape", ""),
        (b'[{"n":"x","v":1,"must_":1}]', "unsupported", "must_"),
        (b'[{"n":"x","v":1,"bver":11}]', "unsupported", "bver"),
        (b'[{"n":"x","s":1}]', "unsupported", "v"),
        (b'[{"n":"d:temperature","v":1,"u":"C"}]', "bad_unit", "unit"),
        (b'[{"n":"d:temperature","v":1,"t":"now"}]', "bad_time", "t"),
    ],
)
def test_senml_refuses_what_the_rfc_does_not_let_us_guess(admit: Admit, raw: bytes, reason: str, field: str) -> None:
    """Unknown must-understand fields, newer versions, sums, coulombs as temperature and bad times are refused."""
    assert reasons(admit("senml", raw)) == [(0, reason, field)]


def test_sensorthings_expanded_observation(admit: Admit) -> None:
    """Thing, ObservedProperty and unit of an expanded Datastream name device, metric and unit; an interval ends."""
    (row,) = admit("sensorthings", "expanded.json").observations.rows()
    assert (row.device, row.metric, row.value, row.lon) == ("Trạm Tuy Hoà", "pm2_5", 41.5, 109.3)
    assert row.observed_at == datetime(2025, 11, 19, 0, 10, tzinfo=UTC)


def test_sensorthings_data_array_uses_the_unit_map(admit: Admit) -> None:
    """A Datastream that is not expanded is looked up as Datastreams(7); a short row is refused by itself."""
    admitted = admit("sensorthings", "data-array.json", units={"Datastreams(7)": ("temperature", "Cel")})
    assert rows(admitted) == [("Datastreams(7)", "temperature", 20.0), ("Datastreams(7)", "temperature", 21.0)]
    assert reasons(admitted) == [(2, "bad_shape", "dataArray")]
    assert {reason for _, reason, _ in reasons(admit("sensorthings", "data-array.json"))} == {"bad_shape"}


def test_sensorthings_over_mqtt_takes_the_datastream_from_the_topic(admit: Admit) -> None:
    """The payload on v1.1/Datastreams(7)/Observations has no Datastream of its own."""
    raw, headers = (
        b'{"result": 5, "phenomenonTime": "2025-11-19T00:00:00Z"}',
        {"mqtt_topic": b"v1.1/Datastreams(7)/Observations"},
    )
    assert rows(admit("sensorthings", raw, headers, units={"Datastreams(7)": ("rain", "mm")})) == [
        ("Datastreams(7)", "rain", 5.0)
    ]


def test_sensorthings_batch_follows_references(admit: Admit) -> None:
    """Observations of a batch find the Datastream, Thing and Location made earlier in it."""
    admitted = admit("sensorthings", "batch.json")
    assert rows(admitted) == [("Trạm 1", "temperature", 24.5), ("Trạm 1", "temperature", 25.5)]
    assert admitted.observations.lon == [108.05, 108.05]
    assert not admitted.dead_letters


def test_ngsi_ld_reads_unit_codes_and_refuses_an_attribute_without_unit(admit: Admit) -> None:
    """The unitCode is read, an attribute's own time goes first, null is no value, and no unit is guessed for a gas."""
    admitted = admit("ngsi", "air-normalized.jsonld")
    device = "urn:ngsi-ld:AirQualityObserved:BMT-01"
    assert rows(admitted) == [(device, "co", 1200.0), (device, "no2", 40.0), (device, "humidity", 81.0)]
    assert admitted.observations.observed_at == [AT, datetime(2025, 11, 19, 0, 1, tzinfo=UTC), AT]
    assert reasons(admitted) == [(2, "bad_unit", "so2")]


def test_ngsi_unit_map_of_the_source_tells_the_missing_unit(admit: Admit) -> None:
    """What the data model leaves open is read when the source's unit map says it."""
    admitted = admit("ngsi", "air-normalized.jsonld", units={"so2": ("so2", "ug/m3")})
    assert ("urn:ngsi-ld:AirQualityObserved:BMT-01", "so2", 9.0) in rows(admitted)


def test_ngsi_v2_notification_places_a_line_at_its_middle(admit: Admit) -> None:
    """Entities of a notification are read one by one; a forecast and a parking spot are no observations."""
    admitted = admit("ngsi", "traffic-notification.json")
    assert rows(admitted) == [("urn:t:1", "vehicle_count", 120.0), ("urn:t:1", "vehicle_speed", 36.0)]
    assert admitted.observations.lon[0] == 108.0
    assert admitted.observations.lat[0] == pytest.approx(12.1)
    assert [reason for _, reason, _ in reasons(admitted)] == ["unsupported", "unsupported"]


def test_ngsi_alert_entity_becomes_an_alert_at_its_centre(admit: Admit) -> None:
    """Category, severity and validity of an Alert are read; a polygon's centre is its place."""
    (event,) = admit("ngsi", "alert-keyvalues.json").events
    assert isinstance(event, Alert)
    assert (event.kind, event.severity) == ("flood", 4)
    assert event.lon == pytest.approx(109.1)
    assert event.lat == pytest.approx(13.1)


def test_ngsi_vehicle_becomes_a_position_and_its_battery_an_observation(admit: Admit) -> None:
    """Speed in km/h becomes m/s."""
    admitted = admit("ngsi", "vehicle.jsonld")
    (event,) = admitted.events
    assert isinstance(event, Position)
    assert (event.unit, event.speed_mps, event.heading_deg) == ("urn:ngsi-ld:Vehicle:xe-cuu-thuong-1", 10.0, 90)
    assert rows(admitted) == [("urn:ngsi-ld:Vehicle:xe-cuu-thuong-1", "battery", 50.0)]


def test_frigate_new_and_end_are_tied_by_track(admit: Admit) -> None:
    """The end of an object carries the same track and its end; names of recognised people are not read."""
    (new,), (end,) = admit("frigate", "new.json").events, admit("frigate", "end.json").events
    assert isinstance(new, Detection)
    assert isinstance(end, Detection)
    assert (new.device, new.label, new.confidence, new.area, new.ended_at) == (
        "cho-phuong-7",
        "person",
        0.79,
        "bo_song",
        None,
    )
    assert end.track == new.track
    assert end.ended_at == end.observed_at == datetime(2025, 11, 19, 0, 1, 1, tzinfo=UTC)
    assert end.id != new.id


def test_frigate_false_positive_is_no_event(admit: Admit) -> None:
    """What Frigate itself takes back is refused as unsupported."""
    raw = (
        b'{"type":"update","after":{"id":"1","camera":"c","label":"car","frame_time":1763510400,"false_positive":true}}'
    )
    assert reasons(admit("frigate", raw)) == [(0, "unsupported", "false_positive")]


def test_onvif_tells_begin_and_end_and_leaves_out_initial_silence(admit: Admit) -> None:
    """Inside, then outside: two detections, the second one ended; an initial `false` is no event."""
    admitted = admit("onvif", "notify.xml", key="VideoSourceConfigurationToken")
    assert [(e.device, e.label, e.track, e.ended_at) for e in detections(admitted)] == [
        ("feed/kenh1", "intrusion", "12", None),
        ("feed/kenh1", "intrusion", "12", datetime(2025, 11, 19, 0, 0, 30, tzinfo=UTC)),
        ("feed", "line_crossing", "13", None),
    ]
    assert reasons(admitted) == [(2, "unsupported", "PropertyOperation")]


def test_hikvision_intrusion_names_channel_and_region(admit: Admit) -> None:
    """The device is source and channel, the label ours, the time aware."""
    (event,) = detections(admit("hikvision", "intrusion.xml"))
    assert (event.device, event.label, event.area, event.observed_at) == ("feed/4", "intrusion", "3", AT)
    (by_key,) = detections(admit("hikvision", "intrusion.xml", key="macAddress"))
    assert by_key.device == "02:00:5e:10:00:01"


@pytest.mark.parametrize("name", ["macAddress", "serialNumber", "ipAddress"])
def test_two_hikvision_cameras_of_one_source_are_two(admit: Admit, name: str) -> None:
    """Same channel, same second, same event: told apart by address or serial number, whichever there is."""
    alert = (
        "<EventNotificationAlert><{0}>{1}</{0}><channelID>1</channelID><eventType>IO</eventType>"
        "<dateTime>2025-11-19T07:00:00+07:00</dateTime></EventNotificationAlert>"
    )
    ids = [detections(admit("hikvision", alert.format(name, camera).encode()))[0].id for camera in ("a", "b", "a")]
    assert ids[0] == ids[2] != ids[1]


def test_hikvision_heartbeat_is_no_event(admit: Admit) -> None:
    """The inactive videoloss that cameras send every few seconds is refused as unsupported."""
    assert reasons(admit("hikvision", "heartbeat.xml")) == [(0, "unsupported", "eventType")]


def test_hikvision_multipart_stream_gives_each_alert(admit: Admit) -> None:
    """Alerts are found between the boundaries; one without a zone in its time is refused by itself."""
    admitted = admit("hikvision", "stream.txt")
    assert [(event.label, event.ended_at) for event in detections(admitted)] == [("motion", AT)]
    assert reasons(admitted) == [(1, "bad_time", "observed_at")]


@pytest.mark.parametrize("wire", ["senml", "cloudevents", "onvif", "hikvision"])
def test_xml_with_entities_is_refused(admit: Admit, wire: str) -> None:
    """A document type with entities (billion laughs, external files) is never expanded."""
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x>&b;</x>'
    assert [reason for _, reason, _ in reasons(admit(wire, bomb))] == ["bad_xml"]


@pytest.mark.parametrize("wire", sorted(ADAPTERS))
def test_every_format_is_listed_under_its_own_name(wire: str) -> None:
    """The registry and the adapter agree on the name, and each says what it reads."""
    assert adapter(wire).format == wire
    assert adapter(wire).title


def test_unknown_format_lists_the_known_ones() -> None:
    """A wrong format in a source's registration is answered with the list."""
    with pytest.raises(UsageError, match="known formats: cloudevents, frigate"):
        adapter("xml")
