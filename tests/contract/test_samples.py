"""Real messages made by others, pushed through adapters and edge: each lands or is refused as a person would agree."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from schemas.codec import decode_canonical, encode
from schemas.events import Source
from streams.sources.abstract import RawRecord
from streams.sources.admitted import Admitted
from streams.sources.edge import Edge
from tests.contract.samples import SAMPLES, Sample, samples, told


def admit(sample: Sample) -> Admitted:
    source = Source(id="s", kind="sensor", format=sample.format)
    received_at = datetime(2026, 10, 1, tzinfo=UTC)
    return Edge({}).admit([RawRecord(source, sample.read(), {}, received_at, "t", 0, 0)])


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: sample.name)
def test_sample_lands_or_is_refused_with_its_reason(sample: Sample) -> None:
    """Each file gives the events that are in it, value by value, and a refusal for each thing that can be none."""
    admitted = admit(sample)
    refusals = [(letter.reason, letter.field) for letter in admitted.dead_letters]
    assert told(admitted.observations.rows(), admitted.events, refusals) == sample.found
    assert decode_canonical(admitted.observations.to_bytes()) == admitted.observations
    for event in admitted.events:
        assert decode_canonical(encode(event)) == event


def test_two_cameras_with_the_same_event_at_the_same_time_are_two() -> None:
    """Two cameras of one source, each its channel 1, in the same second."""
    pair = [sample for sample in samples() if sample.name.startswith("camera/hikvision-io")]
    one, other = (event for sample in pair for event in admit(sample).events)
    assert one.id != other.id


def test_no_sample_of_a_family_is_forgotten() -> None:
    """A new file in a folder that we read must be told of; what is no format of ours is named for that."""
    if not SAMPLES.exists():
        pytest.skip("no folder of samples: set CANH_TEST_SAMPLES")
    known = {sample.name for sample in samples()}
    families = {name.partition("/")[0] for name in known}
    found = {f"{family}/{path.name}" for family in families for path in (SAMPLES / family).iterdir()}
    assert {name for name in found - known if not name.startswith("open311/") or "ngsi" in name} == set()
