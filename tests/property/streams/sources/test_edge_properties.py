"""The edge against anything: it never breaks, loses nothing, and its two ways give the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.codec import decode_canonical, encode
from schemas.events import Device, Event, Reason, Source
from streams.sources import edge as edge_module
from streams.sources.abstract import RawRecord
from streams.sources.admitted import Admitted
from streams.sources.edge import Edge
from streams.sources.registry import ADAPTERS
from streams.sources.verdict import told

AT = datetime(2025, 11, 19, tzinfo=UTC)
GOOD = {"device": "d1", "metric": "rain", "value": 1, "observed_at": "2025-11-19T00:00:00Z"}
DEVICES = {"d1": Device(id="d1", source="s", lon=108.0, lat=13.0)}

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**25), 10**25)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["2025-11-19T00:00:00Z", "2025-11-19T00:00:00", "m", "Cel", "rain", "temperature", "d1", 1e308])
)
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
#: Names that the formats look for, so that generated objects reach their depths.
NAMES = """
type device metric value unit observed_at readings lon lat srid id specversion source data data_base64
time bn bt bu bv bver n u v t vs result phenomenonTime Datastream @iot.id ObservedProperty Thing
name Locations location coordinates dataArray components requests url body Datastreams Observations
unitOfMeasurement symbol dateObserved temperature subCategory severity speed LAeq unitCode
observedAt metadata @value geometry properties features after camera label frame_time start_time
end_time score current_zones entered_zones false_positive datacontenttype FeatureOfInterest
"""
WORDS = """Point LineString Polygon MultiPolygon Alert Vehicle Feature observation alert new end 1.0 Datastreams(1)
2025-11-19T00:00:00Z d1 rain Property"""
words = st.sampled_from(WORDS.split())
shaped = st.recursive(
    scalars | words | st.lists(st.floats(-200, 200), min_size=2, max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES.split()), inner, max_size=8),
    max_leaves=30,
)


def record(wire: str, raw: bytes, headers: dict[str, bytes] | None = None, **source: Any) -> RawRecord:
    feed = Source(**({"id": "s", "kind": "sensor", "format": wire} | source))
    return RawRecord(feed, raw, headers or {}, AT, "t", 0, 0)


def dumped(document: Any) -> bytes:
    return json.dumps(document).encode()


def check(admitted: Admitted) -> None:
    """Check what holds of any outcome: it exists, and it can travel."""
    assert len(admitted.observations) + len(admitted.events) + len(admitted.dead_letters) >= 1
    for record in (admitted.observations, *admitted.events):
        assert decode_canonical(encode(record) if isinstance(record, Event) else record.to_bytes()) == record
    for letter in admitted.dead_letters:
        assert letter.message
        assert encode(letter)
    nothing_broke(admitted)


def nothing_broke(admitted: Admitted) -> None:
    """Check that nothing fell into the net under the adapters: it is for bugs, and these tests look for bugs."""
    assert [letter.message for letter in admitted.dead_letters if letter.reason == Reason.ADAPTER_FAILED] == []


@given(st.sampled_from(sorted(ADAPTERS)), st.binary(max_size=200), st.booleans())
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_accepted_or_refused(wire: str, raw: bytes, binary_mode: object) -> None:
    """No bytes in any format raise; something always comes out."""
    headers = {"ce_specversion": b"1.0", "ce_id": b"1", "ce_source": b"s", "ce_type": b"t"} if binary_mode else {}
    check(Edge({}).admit([record(wire, raw, headers)]))


@given(st.sampled_from(sorted(ADAPTERS)), documents | shaped)
@settings(max_examples=500, deadline=None)
@example("native", [{"device": "d", "metric": "rain", "value": 10**400, "observed_at": "2025-11-19T00:00:00Z"}])
@example("native", {**GOOD, "lon": 1, "lat": 1, "srid": []})
def test_any_json_is_accepted_or_refused(wire: str, document: Any) -> None:
    """No JSON document, NaN, infinity and huge numbers included, raises in any format."""
    check(Edge(DEVICES).admit([record(wire, dumped(document))]))


TEXTS = ("", "2025-11-19T00:00:00Z", "active", "VMD", "tns1:VideoSource/MotionAlarm", "{}")
TAGS = """EventNotificationAlert eventType eventState dateTime channelID NotificationMessage Topic Message Source Data
SimpleItem sensml senml event data id specversion"""
ATTRIBUTES = ("", 'UtcTime="2025-11-19T00:00:00Z"', 'Name="State" Value="true"', 'n="x" v="1" t="NaN"', 'bn="d" v="x"')
elements = st.recursive(
    st.sampled_from(TEXTS),
    lambda inner: st.builds(
        lambda tag, attributes, children: f"<{tag} {attributes}>{''.join(children)}</{tag}>",
        st.sampled_from(TAGS.split()),
        st.sampled_from(ATTRIBUTES),
        st.lists(inner, max_size=5),
    ),
    max_leaves=20,
)


@given(st.sampled_from(["onvif", "hikvision", "senml", "cloudevents"]), elements)
@settings(max_examples=250, deadline=None)
def test_any_xml_is_accepted_or_refused(wire: str, text: str) -> None:
    """No XML document raises in any format that reads XML."""
    check(Edge({}).admit([record(wire, text.encode())]))


SAMPLES = Path(__file__).parents[3] / "unit" / "streams" / "sources" / "samples"
json_samples = sorted(path for path in SAMPLES.rglob("*.json*"))


def leaves(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Give the path of everything inside a document."""
    yield path
    children: Any = ()
    if isinstance(document, dict):
        children = document.items()
    elif isinstance(document, list):
        children = enumerate(document)
    for key, child in children:
        yield from leaves(child, (*path, key))


def replaced(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Give the document with another value at a path."""
    if not path:
        return value
    if isinstance(document, dict):
        return {**document, path[0]: replaced(document[path[0]], path[1:], value)}
    return [*document[: path[0]], replaced(document[path[0]], path[1:], value), *document[path[0] + 1 :]]


@given(st.data(), st.sampled_from(json_samples))
@settings(max_examples=500, deadline=None)
def test_a_sample_with_any_part_replaced_is_accepted_or_refused(data: st.DataObject, path: Path) -> None:
    """A real message with one part of it turned into something else never raises."""
    document = json.loads(path.read_bytes())
    place = data.draw(st.sampled_from(list(leaves(document))))
    check(
        Edge(DEVICES).admit(
            [record(path.parent.name, dumped(replaced(document, place, data.draw(scalars | words | shaped))))]
        )
    )


@given(st.data(), st.sampled_from(sorted(path for path in SAMPLES.rglob("*.*"))))
@settings(max_examples=200, deadline=None)
def test_a_sample_cut_or_damaged_is_accepted_or_refused(data: st.DataObject, path: Path) -> None:
    """A real message with some bytes overwritten or its end missing never raises."""
    raw = path.read_bytes()
    start = data.draw(st.integers(0, len(raw)))
    damaged = raw[:start] + data.draw(st.binary(max_size=4)) + raw[start + data.draw(st.integers(0, 40)) :]
    check(Edge({}).admit([record(path.parent.name, damaged[: data.draw(st.integers(0, len(damaged)))])]))


TIMES = """2025-11-19T00:00:00Z 2025-11-19T07:00:00.123456+07:00 2025-11-18T00:00:00Z 2025-11-20T00:00:00Z
2025-11-19T00:00:00 0001-01-01T00:00:00+07:00 1960-01-01T00:00:00Z"""
values = st.sampled_from([1, 0.57, -0.0, 1e308, 10**30, "1", None, True]) | st.floats(
    allow_nan=False, allow_infinity=False
)
maybe_bad: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "device": st.sampled_from(["d1", "d2", "Trạm", "Tra\u0323m", "", "a\0", 5, "x" * 300]),
        "metric": st.sampled_from(["rain", "temperature", "co", "unheard_of", "H1", "", None]),
        "value": values,
        "unit": st.sampled_from(["mm", "cm", "m", "Cel", "K", "[degF]", "ppm", "", None, "V", "°C"]),
        "observed_at": st.sampled_from([*TIMES.split(), "2025-11-19 00:00:00Z", 5, None]),
        "lon": st.sampled_from([108.0, 181, None, "1"]),
        "lat": st.sampled_from([13.0, -91, None]),
        "srid": st.sampled_from([4326, 9218, "9218", True, [], {}, None]),
        "id": st.sampled_from(["i", 5, None]),
        "type": st.sampled_from(["observation", "report", None]),
        "colour": st.just("blue"),
    },
)
reading = maybe_bad.map(lambda item: {k: v for k, v in item.items() if k in ("metric", "value", "unit", "observed_at")})
single = maybe_bad.map(lambda changes: {**GOOD, **changes}) | maybe_bad
packed = st.builds(lambda base, readings: {**base, "readings": readings}, maybe_bad, st.lists(reading, max_size=4))
DOUBLED = b'{"device":"d1","device":"d2","metric":"rain","value":1,"value":2,"observed_at":"2025-11-19T00:00:00Z"}'
message = (
    (single | packed).map(dumped)
    | st.lists(single | packed, max_size=4).map(dumped)
    | st.lists(single, min_size=2, max_size=4).map(lambda items: b"\n".join(map(dumped, items)))
    | st.binary(max_size=20)
    | st.sampled_from([DOUBLED, b'{"value":1'])
)
REGISTRATIONS: tuple[dict[str, Any], ...] = (
    {},
    {"lon": 107.0, "lat": 12.0},
    {"srid": 3405},
    {"units": {"H1": ("rain", "cm")}},
)


@given(st.lists(message, max_size=6), st.sampled_from(REGISTRATIONS))
@example([dumped([GOOD, {"device": "d1", "readings": []}])], {})  # the empty pack must not vanish beside the good one
@settings(max_examples=400, deadline=None)
def test_fast_and_slow_way_give_the_same(raws: list[bytes], registration: dict[str, Any]) -> None:
    """The fast lane is an optimisation only: rows, marks, refusals and their order are those of the slow way."""
    records = [record("native", raw, **registration) for raw in raws]
    edge = Edge(DEVICES)
    nothing_broke(edge.admit_slowly(records))
    assert edge.admit(records) == edge.admit_slowly(records) == Edge(DEVICES).admit(records)


@given(st.lists(message, max_size=6), st.sampled_from(REGISTRATIONS), st.sampled_from([1, 1000]))
@settings(max_examples=300, deadline=None)
def test_what_is_judged_is_what_is_admitted(
    raws: list[bytes], registration: dict[str, Any], worth_a_frame: int
) -> None:
    """The door says of each record what normalize will do: as many items, the same refusals, the first device."""
    records = [record("native", raw, **registration) for raw in raws]
    with patch.object(edge_module, "_WORTH_A_FRAME", worth_a_frame):
        verdicts = Edge(DEVICES).judge(records)
    assert len(verdicts) == len(records)
    for each, verdict in zip(records, verdicts, strict=True):
        admitted = Edge(DEVICES).admit_slowly([each])
        accepted = len(admitted.observations) + len(admitted.events)
        assert verdict.items - len(verdict.refusals) == accepted
        told_of = [(item, *told(error)) for item, error in verdict.refusals]
        assert told_of == [(one.item, one.reason, one.field, one.message) for one in admitted.dead_letters]
        if len(admitted.observations):
            assert verdict.device == admitted.observations.device[0]


@given(st.lists(single, min_size=1, max_size=12), st.booleans())
@settings(max_examples=300, deadline=None)
def test_every_item_is_accounted_for_exactly_once(items: list[Any], as_lines: object) -> None:
    """Every one of n items in one message is one outcome; each refusal names another item."""
    raw = b"\n".join(map(dumped, items)) if as_lines else dumped(items)
    admitted = Edge({}).admit([record("native", raw)])
    assert len(admitted.observations) + len(admitted.events) + len(admitted.dead_letters) == len(items)
    assert len({letter.id for letter in admitted.dead_letters}) == len(admitted.dead_letters)
    assert len({letter.item for letter in admitted.dead_letters}) == len(admitted.dead_letters)


@given(st.lists(message, max_size=5))
@settings(max_examples=200, deadline=None)
def test_the_same_records_give_the_same_ids_at_another_offset(raws: list[bytes]) -> None:
    """Reading a topic again gives equal observations, events and refusals (G2)."""
    first = [record("native", raw) for raw in raws]
    again = [RawRecord(r.source, r.value, r.headers, r.received_at, "other", 3, 99) for r in first]
    one, two = Edge({}).admit(first), Edge({}).admit(again)
    assert (one.observations, one.events) == (two.observations, two.events)
    assert [letter.id for letter in one.dead_letters] == [letter.id for letter in two.dead_letters]
