from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from streams.sources.simulator import faults, storm
from tests.unit.streams.sources.simulator.simulation import START, body, of_device, of_source, played

STORM, FAULTS = "storm-of-alarms", "sensor-faults"


def devices_with(fault: faults.Fault) -> list[str]:
    return [device for device, has in faults.befallen(1).items() if has is fault]


def during(device: str) -> list[dict[str, object]]:
    """Give what a device measured in the time of the faults, by its own clock, in the order of sending."""
    begin, end = START + faults.FAULT_FROM, START + faults.FAULT_TO
    return [reading for e, reading in of_device(FAULTS, device) if begin <= e.send_at < end]


def test_the_burst_is_50_times_the_normal_rate() -> None:
    """Five minutes of burst against the five minutes before: 50 times as many events, within 3 %."""
    minutes = Counter(int((e.at - START) / timedelta(minutes=5)) for e in played(STORM))
    assert minutes[3] / minutes[2] == pytest.approx(50, rel=0.03)
    assert minutes[4] == pytest.approx(minutes[2], rel=0.05)


def test_each_alarmed_camera_is_one_fire() -> None:
    """Twelve cameras cry fire hundreds of times, at 0.8 and above; the truth has one incident for each."""
    alarms = Counter(event["device"] for event in of_source(STORM, "demo-cameras") if event["label"] == "fire")
    truth = storm.STORM_OF_ALARMS.truth(1, START)
    assert set(alarms) == {incident.devices[0] for incident in truth}
    assert len(truth) == 12
    assert min(alarms.values()) > 100
    for incident in truth:
        first = next(e.at for e, event in of_device(STORM, incident.devices[0]) if event["label"] == "fire")
        assert incident.opened.holds(first)


def test_silent_devices_are_the_truth() -> None:
    """The truth has exactly the devices that say nothing for two hours; they speak again after it."""
    truth = faults.SENSOR_FAULTS.truth(1, START)
    assert sorted(i.devices[0] for i in truth) == sorted(devices_with(faults.silence))
    for incident in truth:
        times = [e.at for e, _ in of_device(FAULTS, incident.devices[0])]
        before = max(at for at in times if at < START + faults.FAULT_FROM)
        after = min(at for at in times if at > before)
        assert incident.opened.holds(before + timedelta(seconds=3 * 120))
        assert incident.cleared is not None
        assert incident.cleared.holds(after)


def test_no_other_device_is_ever_silent() -> None:
    """No two events of any other device are three cadences apart in the time of sending."""
    silent = set(devices_with(faults.silence))
    limits = {"street": 360, "air": 900, "rain": 1800, "noise": 2700}
    last: dict[str, float] = {}
    for emission in played(FAULTS):
        device = body(emission)["device"]
        gap = emission.send_at.timestamp() - last.get(device, emission.send_at.timestamp())
        assert device in silent or gap < limits[device.split(":")[0]]
        last[device] = emission.send_at.timestamp()


def test_stuck_values_do_not_move() -> None:
    """A stuck gauge gives one value for two hours, whatever the weather."""
    for device in devices_with(faults.stuck):
        assert {reading["value"] for reading in during(device)} == {faults.STUCK_VALUE}


def test_a_fast_clock_writes_future_times() -> None:
    """Its events are more than five minutes ahead of their sending, and collide with none of its later ones."""
    for device in devices_with(faults.clock_ahead):
        sent = [e for e, _ in of_device(FAULTS, device)]
        ahead = [e for e in sent if e.at - e.send_at > timedelta(minutes=5)]
        assert len(ahead) == 8
        assert len({e.at for e in sent}) == len(sent)


def test_repeats_are_equal_in_every_byte() -> None:
    """A repeating device sends the same bytes two to four times, later again."""
    for device in devices_with(faults.repeated):
        copies = Counter(e.payload for e, _ in of_device(FAULTS, device))
        assert set(copies.values()) > {1}
        assert max(copies.values()) <= 4


def test_late_readings_are_later_than_the_bound() -> None:
    """A lagging station sends one reading in five 90 minutes late, with its true time."""
    for device in devices_with(faults.late):
        sent = [e for e, _ in of_device(FAULTS, device)]
        assert sum(e.send_at - e.at > timedelta(hours=1) for e in sent) >= 4 * 6
