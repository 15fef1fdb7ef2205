from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from schemas.events import Action, Detection, Mark, Observation, ObservationBatch, Signal
from streams.rules.engine import Engine
from streams.rules.frame import Lookups
from streams.rules.load import library, load_rule
from streams.rules.rule import Rule
from streams.rules.state import FORGET_AFTER, HoursState, States

T0 = datetime(2025, 11, 19, tzinfo=UTC)
RULES = {rule.id: rule for rule in library()}
RIVER = RULES["flood.river-level"]


def level(minutes: float, value: float, device: str = "river:phu-lam", **fields: object) -> Observation:
    """Give a reading of a river gauge."""
    at = T0 + timedelta(minutes=minutes)
    given = {"source": "demo-river", "metric": "water_level", "received_at": at, **fields}
    return Observation(
        id=Observation.identity(device, "water_level", at),
        device=device,
        value=value,
        observed_at=at,
        **given,  # type: ignore[arg-type]
    )


def step(engine: Engine, states: States, *rows: Observation) -> list[Signal]:
    """Take one batch."""
    return engine.step(ObservationBatch.of(list(rows)), states).signals


def step_detections(engine: Engine, *rows: Detection) -> list[Signal]:
    """Take one batch of detections from nothing."""
    return engine.step(list(rows), States()).signals


def sighting(seconds: float, zones: Sequence[str], count: int = 1, device: str = "camera:1") -> Detection:
    """Give a sighting of people."""
    at = T0 + timedelta(seconds=seconds)
    return Detection(
        id=f"{device}-{seconds}",
        source="cameras",
        device=device,
        label="person",
        confidence=0.9,
        count=count,
        observed_at=at,
        received_at=at,
        zone_ids=tuple(zones),
    )


def rule_of(text: str) -> Rule:
    """Give a rule from the fields that matter."""
    return load_rule(
        "id: t\nversion: 3\ntitle: {vi: t, en: t}\nsummary: {vi: t, en: t}\nowner: t\nreferences: [{title: t}]\n"
        "raise: {kind: public.order, title: {vi: '{device} {value} {commune}', en: '{device} {value} {commune}'}}\n"
        + text
    )


def test_a_signal_tells_what_was_seen() -> None:
    """A signal carries rule version, place, value, threshold, evidence and readable titles in both languages."""
    lookups = Lookups(titles={"river:phu-lam": "Trạm Phú Lâm"})
    row = level(0, 2.75, lon=109.31, lat=13.06, commune="22015", marks=(Mark.SIMULATED,))
    (signal,) = step(Engine([RIVER], lookups), States(), row)
    assert signal.title.vi == "Trạm Phú Lâm: đạt báo động 2"
    assert signal.title.en == "Trạm Phú Lâm: reached alarm level 2"
    assert (signal.action, signal.severity, signal.value, signal.threshold) == (Action.RAISE, 3, 2.75, 2.7)
    assert (signal.lon, signal.lat, signal.commune, signal.device) == (109.31, 13.06, "22015", "river:phu-lam")
    assert (signal.rule_version, signal.kind, signal.marks) == (RIVER.version, "flood.river", ("simulated",))
    assert signal.evidence == (row.id,)
    assert signal.episode == Signal.episode_id(RIVER.id, "river:phu-lam", T0)
    assert signal.id == Signal.identity(signal.episode, Action.RAISE, 3, T0)


def test_an_end_has_words_of_its_own() -> None:
    """What clears says that it is over and below which level: the lowest, however high it stood before."""
    rows = [level(0, 3.0), level(30, 1.52), level(120, 1.5)]
    *_, cleared = step(Engine([RIVER]), States(), *rows)
    assert cleared.action is Action.CLEAR
    assert cleared.title.vi == "river:phu-lam: đã xuống dưới báo động 1"
    assert cleared.title.en == "river:phu-lam: back below alarm level 1"
    assert cleared.threshold == 1.7
    assert cleared.value is not None
    assert cleared.value < cleared.threshold


def test_an_end_without_words_of_its_own_still_says_that_it_is_over() -> None:
    """A rule that has no words for the end gets the title of its lowest level, marked as over."""
    rule = rule_of(
        "on: detection\nper: device\nlevels:\n- {severity: 2, where: count > threshold, threshold: 5}\ngap: 1m\n"
    )
    raised, cleared = step_detections(Engine([rule]), sighting(0, [], 9), sighting(120, [], 1))
    assert (raised.title.vi, raised.title.en) == ("camera:1 0,9 ?", "camera:1 0.9 ?")
    assert (cleared.title.vi, cleared.title.en) == ("Đã dứt: camera:1 0,9 ?", "Over: camera:1 0.9 ?")


def test_other_metrics_of_a_device_say_nothing() -> None:
    """A battery reading of a flooded gauge neither clears nor raises."""
    engine, states = Engine([RIVER]), States()
    step(engine, states, level(0, 2.0))
    battery = msgspec.structs.replace(level(5, 0.5), metric="battery")
    assert step(engine, states, battery) == []
    assert engine.advance(states, T0 + timedelta(days=2)).signals == []


def test_an_event_from_the_future_makes_no_rule_deaf() -> None:
    """A reading whose clock is ahead is not looked at, so the right ones after it count."""
    engine, states = Engine([RIVER]), States()
    assert step(engine, states, level(600, 9.9, marks=(Mark.FUTURE,))) == []
    assert [signal.severity for signal in step(engine, states, level(5, 2.0))] == [2]


ODD = (Mark.OUT_OF_RANGE,)


@pytest.mark.parametrize(("rule", "metric", "code"), [
    ("flood.river-level", "water_level", 31.0), ("flood.street-depth", "flood_depth", 65_535.0),
])  # fmt: skip
def test_a_value_that_cannot_be_opens_nothing(rule: str, metric: str, code: float) -> None:
    """A fault code of a sensor is no flood, however high it is; the reading after it counts."""
    engine, states = Engine([RULES[rule]]), States()
    odd, flood = (msgspec.structs.replace(level(i, value), metric=metric) for i, value in ((0, code), (5, 30.0)))
    assert step(engine, states, msgspec.structs.replace(odd, marks=ODD)) == []
    assert [signal.value for signal in step(engine, states, flood)] == [30.0]


def test_a_value_that_cannot_be_ends_nothing() -> None:
    """A sensor that breaks in a flood says nothing of the flood: neither that it rises nor that it is over."""
    engine, states = Engine([RIVER]), States()
    step(engine, states, level(0, 2.0))
    broken = [level(5 * i, -99.0, marks=ODD) for i in range(1, 40)]
    assert step(engine, states, *broken) == []
    assert engine.advance(states, T0 + timedelta(hours=5)).signals == []
    assert [signal.severity for signal in step(engine, states, level(300, 3.0))] == [3]


def test_a_value_that_cannot_be_is_a_sign_of_life() -> None:
    """A sensor that sends only fault codes is broken but not silent."""
    engine = Engine([RULES["infra.sensor-silent"]], Lookups(cadence_s={"demo-river": 600}))
    states = States()
    step(engine, states, *(level(10 * i, 99_999.0, marks=ODD) for i in range(12)))
    assert engine.advance(states, T0 + timedelta(hours=2)).signals == []
    assert len(engine.advance(states, T0 + timedelta(hours=3)).signals) == 1


def test_a_value_that_cannot_be_is_no_part_of_a_mean() -> None:
    """One fault code among good readings does not spoil the hour's index."""
    engine = Engine([RULES["air.vn-aqi"]])
    rows = [msgspec.structs.replace(level(5 * i, 20.0, "air:1"), metric="pm2_5") for i in range(38)]
    rows[3] = msgspec.structs.replace(rows[3], value=65_535.0, marks=ODD)
    assert [row.value for row in engine.step(ObservationBatch.of(rows), States()).derived] == [40.0, 40.0]


def test_a_late_event_changes_nothing_and_is_counted() -> None:
    """What comes after something newer of its key is counted, not used."""
    engine, states = Engine([RIVER]), States()
    step(engine, states, level(10, 2.0))
    outcome = engine.step(ObservationBatch.of([level(5, 9.0)]), states)
    assert (outcome.signals, outcome.late) == ([], 1)


def test_out_of_order_within_a_batch() -> None:
    """Inside a batch events are taken in the order of event time."""
    rows = [level(20, 1.0), level(0, 1.8), level(90, 1.0), level(10, 2.8)]
    engine = Engine([RIVER])
    assert step(engine, States(), *rows) == step(engine, States(), *sorted(rows, key=lambda row: row.observed_at))


def test_states_survive_as_bytes() -> None:
    """States that were written and read again go on exactly where they were."""
    engine, states, again = Engine([RIVER]), States(), States()
    outcome = engine.step(ObservationBatch.of([level(0, 2.0)]), states)
    for (rule, key), raw in outcome.changed.items():
        assert raw is not None
        again.load(rule, key, raw)
    assert again.dump() == states.dump()
    later = [level(10, 3.0), level(20, 1.5), level(90, 1.5)]
    assert step(engine, again, *later) == step(engine, states, *later) != []


def test_undo_brings_back_what_was() -> None:
    """A step whose commit failed can be taken back and repeated with the same result."""
    engine, states = Engine([RIVER]), States()
    step(engine, states, level(0, 2.0))
    before = states.dump()
    first = engine.step(ObservationBatch.of([level(10, 3.0)]), states)
    states.undo(first.before)
    assert states.dump() == before
    assert engine.step(ObservationBatch.of([level(10, 3.0)]), states).signals == first.signals


def test_a_step_without_news_changes_no_state() -> None:
    """Low water of a quiet gauge writes nothing."""
    outcome = Engine([RIVER]).step(ObservationBatch.of([level(0, 0.5)]), States())
    assert (outcome.changed, outcome.before) == ({}, {})


def test_deadlines_carry_their_own_time() -> None:
    """When time passes, a signal has the time of its deadline, not of the call."""
    engine, states = Engine([RIVER]), States()
    step(engine, states, level(0, 2.0), level(10, 1.0))
    (signal,) = engine.advance(states, T0 + timedelta(hours=9)).signals
    assert (signal.action, signal.observed_at) == (Action.CLEAR, T0 + timedelta(minutes=70))


def test_quiet_keys_are_forgotten() -> None:
    """A key that nobody speaks of any more leaves no state behind."""
    engine, states = Engine([RIVER]), States()
    step(engine, states, level(0, 2.0), level(10, 1.0))
    engine.advance(states, T0 + timedelta(hours=2))
    assert len(states) == 1
    outcome = engine.advance(states, T0 + FORGET_AFTER + timedelta(hours=4))
    assert (len(states), outcome.changed) == (0, {(RIVER.id, "river:phu-lam"): None})


def test_per_zone() -> None:
    """With per: zone each watched zone that holds the event is a key of its own."""
    engine = Engine([rule_of("on: detection\nwhere: count > 5\nper: zone\nzone: {kinds: [square]}\n")])
    signals = engine.step([sighting(0, ["commune:1", "square:1", "square:2"], 9)], States()).signals
    assert sorted((signal.key, signal.zone) for signal in signals) == [("square:1",) * 2, ("square:2",) * 2]


def test_zone_outside() -> None:
    """relation: outside takes events with a place that no named zone holds."""
    engine = Engine([rule_of("on: detection\nwhere: count > 5\nzone: {ids: ['square:1'], relation: outside}\n")])
    placed = msgspec.structs.replace(sighting(0, ["commune:1"], 9), lon=108.0, lat=12.7)
    inside = msgspec.structs.replace(sighting(1, ["square:1"], 9, "camera:2"), lon=108.0, lat=12.7)
    nowhere = sighting(2, [], 9, "camera:3")
    signals = engine.step([placed, inside, nowhere], States()).signals
    assert [signal.key for signal in signals] == ["camera:1"]


def test_a_condition_of_constants_only() -> None:
    """A condition that reads no column holds for every row of its scope."""
    engine = Engine([rule_of("on: detection\nwhere: 'TRUE'\n")])
    assert [signal.key for signal in engine.step([sighting(0, []), sighting(1, [], 1, "b")], States()).signals] == [
        "camera:1",
        "b",
    ]


def test_only_active_rules_run() -> None:
    """Drafts and retired rules give no signals."""
    assert Engine([msgspec.structs.replace(RIVER, status="draft")]).plans == {}


def test_silence_is_told_once_and_ends_with_the_next_event() -> None:
    """A device that stops speaking is told after its time-out; a clock that runs ahead does not count as silence."""
    engine = Engine([RULES["infra.sensor-silent"]], Lookups(cadence_s={"demo-river": 600}))
    states = States()
    ahead = level(600, 1.0, marks=(Mark.FUTURE,), received_at=T0 + timedelta(minutes=20))
    assert step(engine, states, level(0, 1.0), ahead) == []
    assert engine.advance(states, T0 + timedelta(minutes=50)).signals == []
    raised = engine.advance(states, T0 + timedelta(hours=5)).signals
    assert [(signal.action, signal.severity, signal.threshold) for signal in raised] == [(Action.RAISE, 1, 30.0)]
    assert engine.advance(states, T0 + timedelta(hours=6)).signals == []
    cleared = step(engine, states, level(400, 1.0))
    assert [(signal.action, signal.episode) for signal in cleared] == [(Action.CLEAR, raised[0].episode)]


def test_a_deadline_that_is_nearer_than_all_others_is_seen() -> None:
    """A device with a short cadence is heard after somebody has looked when the next silence is due."""
    engine = Engine([RULES["infra.sensor-silent"]], Lookups(cadence_s={"demo-river": 6000, "brisk": 60}))
    states = States()
    step(engine, states, level(0, 1.0))
    assert engine.advance(states, T0 + timedelta(minutes=1)).signals == []
    step(engine, states, level(2, 1.0, "brisk:1", source="brisk"))
    raised = engine.advance(states, T0 + timedelta(minutes=10)).signals
    assert [signal.key for signal in raised] == ["brisk:1"]


def test_derived_observations_can_be_stored() -> None:
    """VN_AQI comes out as observations of the station, stamped with the end of their hour."""
    engine, states = Engine([RULES["air.vn-aqi"]]), States()
    rows = [
        msgspec.structs.replace(level(5 * i, 80.0, "air:1"), metric="pm2_5", source="air", commune="24133")
        for i in range(38)
    ]
    outcome = engine.step(ObservationBatch.of(rows), states)
    assert [(row.metric, row.value, row.observed_at) for row in outcome.derived] == [
        ("vn_aqi", 150.0, T0 + timedelta(hours=2)),
        ("vn_aqi", 150.0, T0 + timedelta(hours=3)),
    ]
    assert outcome.derived[0].commune == "24133"


def test_the_index_of_a_station_takes_its_gases() -> None:
    """Hourly means of gases count too, for their hour alone; then their sums are forgotten, unlike those of PM."""
    engine, states = Engine([RULES["air.vn-aqi"]]), States()
    rows = [
        msgspec.structs.replace(level(5 * i, value, "air:1"), metric=metric)
        for i in range(50)
        for metric, value in (("pm2_5", 20.0), ("no2", 2500.0 if 12 <= i < 24 else 50.0))
    ]
    outcome = engine.step(ObservationBatch.of(rows), states)
    assert [row.value for row in outcome.derived] == [320.0, 40.0, 40.0]
    state = states.get("derive.vn_aqi", "air:1")
    assert isinstance(state, HoursState)
    assert {metric: len(hours) for metric, hours in state.sums.items()} == {"pm2_5": 5, "no2": 1}


def test_a_derived_state_that_met_an_old_row_first_is_written_all_the_same() -> None:
    """Of two readings in a batch the first is known, the second new: the sum with it is among the changes."""
    engine, states = Engine([RULES["air.vn-aqi"]]), States()
    old, new = (msgspec.structs.replace(level(minute, 80.0, "air:1"), metric="pm2_5") for minute in (0, 5))
    engine.step(ObservationBatch.of([old]), states)
    outcome = engine.step(ObservationBatch.of([old, new]), states)
    assert outcome.changed == {key: raw for key, raw in states.dump().items() if key[0] == "derive.vn_aqi"}


def test_rules_that_wait_and_rules_that_do_not() -> None:
    """Each rule takes a batch once: at once or when it has settled; `settle` is the longest wait."""
    hurried = msgspec.structs.replace(RIVER, id="hurried", settle="0s")
    engine, states = Engine([hurried, RIVER, msgspec.structs.replace(RIVER, id="calm", settle="20s")]), States()
    batch = ObservationBatch.of([level(0, 1.8)])
    assert [signal.rule for signal in engine.at_once(batch, states).signals] == ["hurried"]
    assert [signal.rule for signal in engine.settled(batch, states).signals] == [RIVER.id, "calm"]
    assert engine.settle == timedelta(seconds=20)


def test_a_hurried_rule_takes_derived_observations_when_they_are_made() -> None:
    """They come from events that have settled: no rule can have them earlier."""
    engine, states = Engine([msgspec.structs.replace(RULES["air.vn-aqi"], settle="0s")]), States()
    batch = ObservationBatch.of(
        [msgspec.structs.replace(level(5 * i, 300.0, "air:1"), metric="pm2_5", source="air") for i in range(38)]
    )
    assert engine.at_once(batch, states).signals == []
    assert [signal.severity for signal in engine.settled(batch, states).signals] == [4]


@pytest.mark.parametrize("samples", [8, 9])
def test_an_hour_needs_three_quarters_of_its_samples(samples: int) -> None:
    """An hourly mean of a 5-minute station counts from 9 of 12 samples on."""
    engine, minutes = Engine([RULES["air.vn-aqi"]]), [*range(0, 5 * samples, 5), *range(60, 60 + 5 * samples, 5), 130]
    rows = [msgspec.structs.replace(level(minute, 80.0, "air:1"), metric="pm2_5") for minute in minutes]
    assert bool(engine.step(ObservationBatch.of(rows), States()).derived) is (samples == 9)


def test_history_sql() -> None:
    """A rule's condition over history is SQL text with its thresholds in it."""
    text = Engine([RIVER]).plans[RIVER.id].sql()
    assert """("metric" = 'water_level') AND (""" in text
    assert "CASE \"device\" WHEN 'river:ban-don' THEN '171.0'::float8" in text
    assert "WHEN 'river:ban-don' THEN NULL::float8" in text


def test_a_level_that_only_constants_decide() -> None:
    """A condition whose branches are all constants for these rows is asked of every row all the same."""
    engine = Engine([rule_of("on: detection\nwhere: 0 <= COALESCE(cadence_s, 0)\n")])
    signals = engine.step([sighting(0, []), sighting(1, [], 1, "camera:2")], States()).signals
    assert [signal.key for signal in signals] == ["camera:1", "camera:2"]


def test_a_new_version_with_another_level_goes_on() -> None:
    """A rule that gets a further level keeps its firing keys and uses the new level."""
    one, two = (
        Engine([rule_of(f"on: detection\nlevels: [{levels}]\n")])
        for levels in (
            "{severity: 2, where: count > 5}",
            "{severity: 2, where: count > 5}, {severity: 4, where: count > 50}",
        )
    )
    states = States()
    (raised,) = one.step([sighting(0, [], 9)], states).signals
    (risen,) = two.step([sighting(1, [], 99)], states).signals
    assert (risen.action, risen.severity, risen.episode) == (Action.UPDATE, 4, raised.episode)


def test_a_newer_view_of_the_registry() -> None:
    """The same compiled rules go on with new titles."""
    engine, states = Engine([RIVER]), States()
    step(engine, states, level(0, 2.0))
    (signal,) = step(engine.knowing(Lookups(titles={"river:phu-lam": "Phú Lâm"})), states, level(5, 3.0))
    assert signal.title.vi.startswith("Phú Lâm: ")
