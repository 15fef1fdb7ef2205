"""All scenarios by name: what `canh demo --scenario` can play."""

from __future__ import annotations

from streams.sources.simulator.abstract import Scenario
from streams.sources.simulator.faults import SENSOR_FAULTS
from streams.sources.simulator.flood import SONG_BA_FLOOD
from streams.sources.simulator.storm import STORM_OF_ALARMS
from streams.sources.simulator.urban import URBAN_DAY

SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario for scenario in (SONG_BA_FLOOD, URBAN_DAY, STORM_OF_ALARMS, SENSOR_FAULTS)
}
