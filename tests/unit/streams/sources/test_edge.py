"""The edge rules: what is refused and why, what is marked and kept, and how an event gets its identity."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from schemas.events import Device, Report, Source
from schemas.limits import MAX_ITEMS, MAX_MESSAGE_BYTES, MAX_REFUSALS
from streams.sources import events
from streams.sources.abstract import Draft, RawRecord
from streams.sources.admitted import Admitted
from streams.sources.edge import Edge
from streams.sources.registry import ADAPTERS

Admit = Callable[..., Admitted]
AT = datetime(2025, 11, 19, tzinfo=UTC)
GOOD: dict[str, Any] = {"device": "d", "metric": "rain", "value": 1, "observed_at": "2025-11-19T00:00:00Z"}


ALERT = b'{"type":"alert","kind":"flood","headline":"x","severity":%b,"observed_at":"2025-11-19T00:00:00Z"}'
#: What a sender can write for 9218, and must not.
BAD_SRIDS: tuple[Any, ...] = ([], [1], {}, {"a": 1}, "9218", 9218.0, True, 1234, 10**30)


def native(**changes: Any) -> bytes:
    """Give a good observation with some fields changed; None leaves a field out."""
    return json.dumps({name: value for name, value in {**GOOD, **changes}.items() if value is not None}).encode()


def detection(**changes: Any) -> bytes:
    event = {"type": "detection", "device": "cam", "label": "fire", "observed_at": "2025-11-19T00:00:00Z"}
    return json.dumps({**event, **changes}).encode()


@pytest.mark.parametrize(
    ("raw", "reason", "field"),
    [
        (b"", "bad_shape", ""),
        (b"null", "bad_shape", ""),
        (b"\xff\xfe{}", "bad_encoding", ""),
        (b'{"device":', "bad_json", ""),
        (b'{"value": NaN}', "bad_json", ""),
        (b"[]", "unsupported", ""),
        (native(value=float("1e308") * 1)[:-1].replace(b"1e+308", b"1e999") + b"}", "bad_number", ""),
        (native(value="12"), "bad_number", "value"),
        (native(value=True), "bad_number", "value"),
        (native(value=None), "bad_number", "value"),
        (native(metric="vehicle_speed", unit="km/h", value=10**400), "bad_number", "value"),
        (native(metric="noise_laeq", unit="m", value=1), "bad_unit", "unit"),
        (native(metric="water_flow", unit="l/s", value=1, observed_at=None), "bad_time", "observed_at"),
        (native(observed_at="2025-11-19T00:00:00"), "bad_time", "observed_at"),
        (native(observed_at="2025-11-19"), "bad_time", "observed_at"),
        (native(observed_at=1763510400), "bad_time", "observed_at"),
        (native(observed_at="+300000-01-01T00:00:00Z"), "bad_time", "observed_at"),
        (native(observed_at="0001-01-01T00:00:00+07:00"), "bad_time", "observed_at"),
        (native(observed_at="2150-01-01T00:00:00Z"), "bad_time", "observed_at"),
        (native(lon=181, lat=0), "bad_position", "lon"),
        (native(lon=13, lat=108), "bad_position", "lat"),
        (native(lon=108), "bad_position", "lat"),
        (native(lon="108", lat="13"), "bad_position", "lon"),
        *((native(lon=450000, lat=1400000, srid=bad), "bad_position", "srid") for bad in BAD_SRIDS),
        (native(device=""), "bad_shape", "device"),
        (native(device="a\0b"), "bad_shape", "device"),
        (native(device="x" * 257), "too_large", "device"),
        (native(device=7), "bad_shape", "device"),
        (native(unit="bananas"), "bad_unit", "unit"),
        (native(metric="brightness", unit="bananas"), "bad_unit", "unit"),
        (native(type="dream"), "bad_shape", "type"),
        (native(colour="blue"), "bad_shape", "colour"),
        (b'{"device":"d","readings":[]}', "bad_shape", "readings"),
        (detection(confidence=1.5), "bad_number", "confidence"),
        (detection(label=None), "bad_shape", "label"),
        (detection(count=2**70), "bad_number", "count"),
        (detection(count=1.5), "bad_shape", "count"),
        (detection(ended_at="2025-11-19T00:00:00"), "bad_time", "ended_at"),
        (detection(snapshot="x" * 9000), "too_large", "snapshot"),
        (detection(id=5), "bad_shape", "id"),
        (detection(type="alert", kind="flood", severity=9), "bad_shape", "label"),
        (ALERT % b"9", "bad_number", "severity"),
        (b'{"type":"position","unit":"u","observed_at":"2025-11-19T00:00:00Z"}', "bad_position", "lon"),
        (b"[" * 40 + b"]" * 40, "too_large", ""),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "too_large", ""),
        (b" " * (MAX_MESSAGE_BYTES + 1), "too_large", ""),
        (b"[" + b"1," * MAX_ITEMS + b"1]", "too_large", ""),
        (b"{" + b",".join(b'"k%d":1' % i for i in range(1001)) + b"}", "too_large", ""),
    ],
)  # fmt: skip
def test_refused_with_reason_and_field(admit: Admit, raw: bytes, reason: str, field: str) -> None:
    """Each defect has its reason code and names the field; the raw bytes and the place in the log are kept."""
    admitted = admit("native", raw)
    (letter,) = admitted.dead_letters
    assert (letter.reason, letter.field) == (reason, field)
    assert (letter.raw, letter.topic, letter.partition, letter.offset) == (raw, "canh.raw.bulk", 2, 77)
    assert letter.message
    assert len(admitted.observations) == 0
    assert not admitted.events


@pytest.mark.parametrize(
    ("raw", "marks"),
    [
        (native(), ["no_place"]),
        (native(observed_at="2025-11-18T23:00:00Z"), ["late", "no_place"]),
        (native(observed_at="2025-11-19T00:16:00Z"), ["future", "no_place"]),
        (native(value=501, lon=108, lat=13), ["out_of_range"]),
        (native(metric="brightness", unit="lx", lon=108, lat=13), ["unknown_metric"]),
        (native(metric="brightness", lon=108, lat=13), ["unknown_metric"]),
    ],
)
def test_odd_is_marked_and_kept(admit: Admit, raw: bytes, marks: list[str]) -> None:
    """Late, future, implausible, unknown and placeless observations are kept with their marks, sorted."""
    admitted = admit("native", raw)
    assert admitted.observations.marks == [marks]
    assert not admitted.dead_letters


def test_unknown_metric_keeps_the_senders_unit(admit: Admit) -> None:
    """A metric that we do not know is not converted; its UCUM code is kept."""
    (row,) = admit("native", native(metric="brightness", unit="lux", value=300)).observations.rows()
    assert (row.metric, row.value, row.source_value, row.source_unit) == ("brightness", 300.0, None, "lx")


def test_unit_map_renames_and_converts(admit: Admit) -> None:
    """The source's unit map gives our metric and the sender's unit when the message does not."""
    (row,) = admit("native", native(metric="H1", value=250), units={"H1": ("water_level", "cm")}).observations.rows()
    assert (row.metric, row.value, row.source_value, row.source_unit) == ("water_level", 2.5, 250.0, "cm")


def test_unit_map_names_the_gas_of_a_bare_ppb(admit: Admit) -> None:
    """A bare ppb is refused for a mass concentration; with the gas in the unit map it is converted."""
    raw = native(metric="no2", unit="ppb", value=10)
    assert [letter.reason for letter in admit("native", raw).dead_letters] == ["bad_unit"]
    (row,) = admit("native", raw, units={"no2": ("no2", "[ppb]{NO2}")}).observations.rows()
    assert row.value == pytest.approx(18.8, abs=0.01)


def test_place_comes_from_the_event_then_the_device_then_the_source(admit: Admit) -> None:
    """An event's own position wins over its device's, and that over its source's."""
    devices = {"d": Device(id="d", source="feed", lon=108.1, lat=12.1)}
    cases: list[tuple[bytes, dict[str, Device], float]] = [
        (native(lon=108.5, lat=12.5), devices, 108.5),
        (native(), devices, 108.1),
        (native(), {}, 107.9),
        (detection(device="d"), devices, 108.1),
    ]
    for raw, known, lon in cases:
        admitted = admit("native", raw, devices=known, lon=107.9, lat=12.9)
        assert [*admitted.observations.lon, *(event.lon for event in admitted.events)] == [lon]


def test_vn2000_positions_are_shifted_to_wgs84(admit: Admit) -> None:
    """A source that sends VN-2000 metres is converted with its datum; metres in a WGS 84 source are refused."""
    raw = native(lon=452_000, lat=1_402_000)
    (row,) = admit("native", raw, srid=9218).observations.rows()
    assert row.lon == pytest.approx(108.06, abs=0.01)
    assert row.lat == pytest.approx(12.68, abs=0.01)
    assert [letter.reason for letter in admit("native", raw).dead_letters] == ["bad_position"]


def test_a_source_that_plays_history_is_not_late(admit: Admit) -> None:
    """Old times are what a replay is for: neither the fast nor the slow way marks them."""
    old = native(observed_at="2020-01-01T00:00:00Z", lon=108.05, lat=12.68)
    for raw in (old, b"[" + old + b", " + old.replace(b"2020", b"2021") + b"]\n"):
        admitted = admit("native", raw, options={"replay": "true"})
        assert all(marks == [] for marks in admitted.observations.marks)


def test_simulated_sources_mark_all_their_events(admit: Admit) -> None:
    """A source with the option simulated=true marks observations and events."""
    for raw in (native(lon=108, lat=13), detection(lon=108, lat=13)):
        admitted = admit("native", raw, options={"simulated": "true"})
        assert [*admitted.observations.marks, *(list(event.marks) for event in admitted.events)] == [["simulated"]]


class GrownReport(Report, frozen=True, tag="report.v1", tag_field="type"):
    """A report as a later release may know it."""

    added_later: str | None = None


def test_a_field_that_is_added_later_changes_no_identity(admit: Admit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events without an id of their own that are read again after an upgrade make no twins."""
    raw = json.dumps({"type": "report", "text": "cháy", "observed_at": "2025-11-19T00:00:00Z"}).encode()
    (old,) = admit("native", raw).events
    monkeypatch.setitem(events._RECORDS, "report", GrownReport)
    (new,) = admit("native", raw).events
    assert isinstance(new, GrownReport)
    assert new.id == old.id


def test_identity_is_the_senders_id_or_the_content_never_the_offset() -> None:
    """The same event at another offset and hour is the same event; other content or another source is another."""

    def event_id(raw: bytes, offset: int = 0, source: str = "a") -> str:
        feed = Source(id=source, kind="camera", format="native")
        record = RawRecord(feed, raw, {}, AT + timedelta(minutes=offset), "t", offset, offset)
        (event,) = Edge({}).admit([record]).events
        return event.id

    assert event_id(detection(id="x")) == event_id(detection(id="x", confidence=0.5), 9)
    assert event_id(detection()) == event_id(detection(label="FIRE"), 9)
    others = [detection(id="x"), detection(), detection(count=2)]
    assert len({*map(event_id, others), event_id(detection(), source="b")}) == 4


def test_packed_message_gives_both_good_and_bad(admit: Admit) -> None:
    """Of three items the bad one is refused with its place in the message, the others are kept."""
    raw = b"[" + b",".join((native(device="a"), native(value="x"), native(device="b"))) + b"]"
    admitted = admit("native", raw)
    assert admitted.observations.device == ["a", "b"]
    assert [(letter.item, letter.raw) for letter in admitted.dead_letters] == [(1, raw)]


def test_refusals_of_one_message_are_bounded(admit: Admit) -> None:
    """A message of many bad items cannot multiply itself: the last listed refusal tells how many more there are."""
    raw = b"[" + b",".join([native(value="x")] * (MAX_REFUSALS + 50)) + b"]"
    letters = admit("native", raw).dead_letters
    assert len(letters) == MAX_REFUSALS
    assert letters[-1].message.endswith("(and 50 further items of this message)")


def test_too_many_items_refuse_the_whole_message_alone(admit: Admit) -> None:
    """A message beyond the item limit is one refusal, and none of it is taken."""
    readings = [{"metric": "rain", "value": 1}] * (MAX_ITEMS + 1)
    raw = native(metric=None, value=None, readings=readings)
    admitted = admit("native", raw)
    assert [letter.reason for letter in admitted.dead_letters] == ["too_large"]
    assert len(admitted.observations) == 0


def test_gzip_is_read_when_declared_and_bombs_are_not(admit: Admit) -> None:
    """Declared gzip is unpacked up to the limit; a bomb, a torn end and a false declaration are refused."""
    packed, headers = gzip.compress(native()), {"content-encoding": b"gzip"}
    assert len(admit("native", packed, headers).observations) == 1
    found = [
        admit("native", raw, headers).dead_letters[0].reason
        for raw in (gzip.compress(b" " * 50_000_000), packed[:-9], native())
    ]
    assert found == ["too_large", "bad_encoding", "bad_encoding"]
    assert admit("native", native(), {"content-encoding": b"br"}).dead_letters[0].reason == "bad_encoding"


def test_gzip_of_several_members_is_one_message(admit: Admit) -> None:
    """Members follow one another (RFC 1952, 2.2), as log shippers write them: no event behind the first is lost."""
    headers = {"content-encoding": b"gzip"}
    lines = [native(value=n, observed_at=f"2025-11-19T00:00:0{n}Z") + b"\n" for n in range(3)]
    packed = b"".join(map(gzip.compress, lines))
    assert admit("native", packed, headers).observations.value == [0.0, 1.0, 2.0]
    found = [
        (letter.reason, letter.message)
        for raw in (packed + b"junk", packed[:-9], gzip.compress(b"") * 1001, gzip.compress(b" " * 2**19) * 3, b"")
        for letter in admit("native", raw, headers).dead_letters
    ]
    assert [reason for reason, _ in found] == ["bad_encoding", "bad_encoding", "too_large", "too_large", "bad_encoding"]
    assert "member 4" in found[0][1]


def test_a_source_with_an_unknown_format_is_refused_with_the_list(admit: Admit) -> None:
    """A wrong registration does not stop the worker; the refusal names the known formats."""
    (letter,) = admit("telepathy", native()).dead_letters
    assert (letter.reason, letter.field) == ("unsupported", "format")
    assert "native" in letter.message


class Broken:
    """An adapter with bugs: it breaks over one message, and gives of another what no edge rule foresees."""

    format = "broken"
    title = "breaks"

    def read(self, raw: bytes, source: Source, headers: Mapping[str, bytes]) -> Iterator[Draft]:
        if raw == b"none left":
            raise MemoryError
        yield Draft("observation", AT, {"device": "d", "metric": "rain", "value": 1})
        if raw == b"half way":
            raise KeyError("no such thing")
        yield Draft("observation", AT, ["no fields"])  # type: ignore[arg-type]  # the bug


def test_a_bug_in_an_adapter_refuses_the_record_and_not_its_partition(
    admit: Admit, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever breaks while a record is read refuses it (or its item) with a traceback; its neighbours go on."""
    monkeypatch.setitem(ADAPTERS, "broken", Broken())
    whole, item = admit("broken", b"half way"), admit("broken", b"second item")
    assert (len(whole.observations), len(item.observations)) == (0, 1)
    for letters, number in ((whole.dead_letters, 0), (item.dead_letters, 1)):
        (letter,) = letters
        assert (letter.reason, letter.item, letter.offset) == ("adapter_failed", number, 77)
    assert "KeyError: 'no such thing'" in caplog.text
    assert "AttributeError" in caplog.text


def test_want_of_memory_refuses_nothing(admit: Admit, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the machine's trouble, not the message's: the worker ends and starts again."""
    monkeypatch.setitem(ADAPTERS, "broken", Broken())
    with pytest.raises(MemoryError):
        admit("broken", b"none left")


def test_a_source_registered_anew_is_taken_anew() -> None:
    """Remembered units and places go when the registration of a source changes."""
    edge = Edge({})

    def place_of(source: Source) -> tuple[float | None, float]:
        batch = edge.admit([RawRecord(source, native(value=10), {}, AT, "t", 0, 0)]).observations
        return batch.lon[0], batch.value[0]

    old = Source(id="s", kind="sensor", format="native", lon=108.0, lat=13.0)
    new = msgspec.structs.replace(old, lon=109.0, units={"rain": ("rain", "cm")})
    assert [place_of(old), place_of(new), place_of(old)] == [(108.0, 10.0), (109.0, 100.0), (108.0, 10.0)]


def test_halves_of_neighbouring_records_never_make_an_event() -> None:
    """Two broken records whose bytes would join to a good one are two refusals."""
    feed = Source(id="s", kind="sensor", format="native")
    halves = (b'{"device":"d","metric":"rain"', b'"value":1,"observed_at":"2025-11-19T00:00:00Z"}')
    admitted = Edge({}).admit([RawRecord(feed, half, {}, AT, "t", 0, i) for i, half in enumerate(halves)])
    assert [letter.reason for letter in admitted.dead_letters] == ["bad_json", "bad_json"]


def test_refused_events_of_one_body_are_told_apart(admit: Admit) -> None:
    """In CloudEvents' binary mode the id is a header: two refused events with equal data are two dead letters."""
    headers = {"ce_specversion": b"1.0", "ce_source": b"x", "ce_type": b"t"}
    one, two, again = (
        admit("cloudevents", native(value="x"), headers | {"ce_id": id_}).dead_letters[0].id
        for id_ in (b"1", b"2", b"1")
    )
    assert one == again != two
