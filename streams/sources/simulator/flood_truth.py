"""Ground truth of song-ba-flood: reads the published levels, gives one incident per station that was in flood."""

from __future__ import annotations

from datetime import datetime, timedelta

from streams.sources.simulator.abstract import Expected, Step, Window
from streams.sources.simulator.curve import crossing, through
from streams.sources.simulator.kinds import FLOOD_RIVER
from streams.sources.simulator.levels import ALARM_LEVELS_M, PUBLISHED
from streams.sources.simulator.sites import site

#: A crossing is seen at the next reading, at the latest 10 minutes later.
CADENCE = timedelta(minutes=10)
#: First rules: an alarm ends when the level was 0.10 m below for 60 minutes.
HYSTERESIS_M, CLEAR_FOR = 0.10, timedelta(minutes=60)


def truth(_seed: int, start: datetime) -> list[Expected]:
    """Give the incidents: chance changes no level, so the seed is not asked."""
    return [_incident(device, start) for device in PUBLISHED]


def _incident(device: str, start: datetime) -> Expected:
    """Every station that spoke was above alarm level 1 at its first published level."""
    points = PUBLISHED[device]
    place = site(device)
    steps = _steps(device, start)
    return Expected(
        kind=FLOOD_RIVER,
        lon=place.lon,
        lat=place.lat,
        opened=steps[0].window,
        severity=steps[-1].severity,
        cause=f"{place.title}: {points[0][1]:.2f} m, then up to {max(level for _, level in points):.2f} m",
        devices=(device,),
        steps=steps,
        cleared=_cleared(device, start),
    )


def _steps(device: str, start: datetime) -> tuple[Step, ...]:
    """Give when each higher severity is reached on the way from the first level to the peak."""
    points = PUBLISHED[device]
    first_h, first = points[0]
    peak_h, peak = max(points, key=lambda point: point[1])
    alarms = ALARM_LEVELS_M[device]
    at_once = max(severity for severity, level in alarms if level <= first)
    rising = [(severity, level) for severity, level in alarms if first < level <= peak]
    hours = [(at_once, first_h)]
    hours += [(severity, crossing(through(points), first_h, peak_h, level)) for severity, level in rising]
    return tuple(Step(severity=severity, window=_window(start, hour)) for severity, hour in hours)


def _cleared(device: str, start: datetime) -> Window | None:
    points = PUBLISHED[device]
    end = ALARM_LEVELS_M[device][0][1] - HYSTERESIS_M
    last_h, last = points[-1]
    if last > end:
        return None
    peak_h, _ = max(points, key=lambda point: point[1])
    window = _window(start, crossing(through(points), peak_h, last_h, end))
    # The hour is counted in readings of 10 minutes: it may be seen to be over one reading late.
    return Window(earliest=window.earliest + CLEAR_FOR, latest=window.latest + CLEAR_FOR + CADENCE)


def _window(start: datetime, hour: float) -> Window:
    at = start + timedelta(hours=hour)
    return Window(earliest=at - CADENCE, latest=at + CADENCE)
