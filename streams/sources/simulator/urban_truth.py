"""Ground truth of urban-day: reads the causes, gives the incidents that the first rules must make of them.

The numbers of the rules stand here once more, on purpose: a rule that changes must not change what is expected of it.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from schemas.events import derive_id
from streams.sources.simulator.abstract import Expected, Step, Window
from streams.sources.simulator.causes import Causes, Crowd, Downpour, Excursion, Fire, Haze, causes
from streams.sources.simulator.citizens import SEVERITY_OF, told
from streams.sources.simulator.eyes import ALARM_EVERY, CROWD_EVERY
from streams.sources.simulator.kinds import AIR, CROWD, FIRE, FLOOD_URBAN, UNIT_OUTSIDE
from streams.sources.simulator.sites import REPORTS

#: Smoke or fire: over when nothing was seen for 10 minutes, and 5 more; a camera is asked every 10 seconds.
FIRE_OVER, FIRE_SLACK = timedelta(minutes=15), timedelta(seconds=30)
#: Street flood: severity by depth (cm); over 3 cm below for 10 minutes. Seen after two readings at the latest.
DEPTHS_CM, DRY_CM, DRY_FOR = ((2, 15.0), (3, 30.0)), 12.0, timedelta(minutes=10)
STREET_SLACK = timedelta(minutes=4)
#: Crowd: 2 minutes; over after 5 minutes without.
CROWD_FOR, CROWD_OVER, CROWD_SLACK = timedelta(minutes=2), timedelta(minutes=5), timedelta(seconds=60)
#: A step to 130 micrograms of PM2.5 lifts the hourly Nowcast above VN_AQI 150 after one to two hours; the rule waits
#: 2 hours more. After the step down it falls below within two hours.
HAZE_FROM, HAZE_TO = timedelta(minutes=45), timedelta(hours=5, minutes=30)
HAZE_OVER = timedelta(hours=3)
#: Unit outside: 3 minutes; over when it is back for 1 minute.
OUTSIDE_FOR, BACK_FOR, OUTSIDE_SLACK = timedelta(minutes=3), timedelta(minutes=1), timedelta(seconds=60)

#: A report is over when nothing more was heard for 30 minutes.
REPORT_OVER = timedelta(minutes=30)


def truth(seed: int, start: datetime, duration: timedelta) -> list[Expected]:
    """Give one incident for each cause and each urgent report, in the order of their begin: none are joined."""
    wrong = causes(seed)
    incidents = [
        *(fire(cause, start) for cause in wrong.fires), *_others(wrong, start), *reported(seed, start, duration),
    ]  # fmt: skip
    return sorted(incidents, key=lambda incident: incident.opened.earliest)


def fire(cause: Fire, start: datetime) -> Expected:
    """Smoke of 0.6 opens with severity 3, fire of 0.8 raises it to 4; sure at once, it opens with 4."""
    begins = start + cause.begins
    opened = Window(earliest=begins, latest=begins + FIRE_SLACK)
    sure = Step(severity=4, window=Window(earliest=begins + cause.sure_after, latest=opened.latest + cause.sure_after))
    return Expected(
        kind=FIRE,
        lon=cause.camera.lon,
        lat=cause.camera.lat,
        opened=opened,
        severity=4,
        cause=f"{cause.camera.title}: smoke, then fire",
        devices=(cause.camera.id,),
        steps=(Step(severity=3, window=opened), sure) if cause.sure_after else (sure,),
        cleared=_around(begins + cause.lasts - ALARM_EVERY + FIRE_OVER, FIRE_SLACK),
    )


def reported(seed: int, start: datetime, duration: timedelta) -> list[Expected]:
    """Expect one incident at once for each report of a crash or of something urgent."""
    return [
        Expected(
            kind=one.text["category"],
            lon=one.place[0],
            lat=one.place[1],
            opened=Window(earliest=one.at, latest=one.at),
            severity=SEVERITY_OF[one.text["category"]],
            cause=f"report {one.number}: {one.text['text']}",
            devices=(derive_id(REPORTS, one.number),),  # a report has no device: its own id stands for one
            cleared=Window(earliest=one.at + REPORT_OVER, latest=one.at + REPORT_OVER),
        )
        for one in told(seed, start, start + duration)
        if one.opens
    ]


def _others(wrong: Causes, start: datetime) -> list[Expected]:
    return [
        _flood(wrong.downpour, start),
        _crowd(wrong.crowd, start),
        _haze(wrong.haze, start),
        _excursion(wrong.excursion, start),
    ]


def _flood(cause: Downpour, start: datetime) -> Expected:
    begins = start + cause.begins + cause.after
    steps = tuple(
        Step(severity=severity, window=_around(begins + cause.lasts * _rising_part(depth, cause.peak_cm), STREET_SLACK))
        for severity, depth in DEPTHS_CM
        if depth < cause.peak_cm
    )
    dry = begins + cause.lasts * (1 - _rising_part(DRY_CM, cause.peak_cm))
    return Expected(
        kind=FLOOD_URBAN,
        lon=cause.street.lon,
        lat=cause.street.lat,
        opened=steps[0].window,
        severity=steps[-1].severity,
        cause=f"{cause.street.title}: up to {cause.peak_cm} cm after rain",
        devices=(cause.street.id,),
        steps=steps,
        cleared=_around(dry + DRY_FOR, STREET_SLACK),
    )


def _rising_part(depth_cm: float, peak_cm: float) -> float:
    """Give when a depth is reached: the water rises and falls as half a sine."""
    return math.asin(depth_cm / peak_cm) / math.pi


def _crowd(cause: Crowd, start: datetime) -> Expected:
    begins = start + cause.begins
    return Expected(
        kind=CROWD,
        lon=cause.camera.lon,
        lat=cause.camera.lat,
        opened=Window(earliest=begins, latest=begins + CROWD_FOR + CROWD_SLACK),
        severity=2,
        cause=f"{cause.camera.title}: about {cause.people} people",
        devices=(cause.camera.id,),
        cleared=_around(begins + cause.lasts - CROWD_EVERY + CROWD_OVER, CROWD_SLACK),
    )


def _haze(cause: Haze, start: datetime) -> Expected:
    begins = start + cause.begins
    ends = begins + cause.lasts
    return Expected(
        kind=AIR,
        lon=cause.station.lon,
        lat=cause.station.lat,
        opened=Window(earliest=begins + HAZE_FROM, latest=begins + HAZE_TO),
        severity=2,
        cause=f"{cause.station.title}: PM2.5 at {cause.pm2_5:.0f} for {cause.lasts}",
        devices=(cause.station.id,),
        cleared=Window(earliest=ends, latest=ends + HAZE_OVER),
    )


def _excursion(cause: Excursion, start: datetime) -> Expected:
    """Expect it on the drive out, the first third of the time, and its end on the drive back, the last third."""
    begins, third = start + cause.begins, cause.lasts / 3
    return Expected(
        kind=UNIT_OUTSIDE,
        lon=cause.team.lon,
        lat=cause.team.lat,
        opened=Window(earliest=begins, latest=begins + third + OUTSIDE_FOR + OUTSIDE_SLACK),
        severity=2,
        cause=f"{cause.team.name}: {cause.beyond_m:.0f} m beyond its area",
        devices=(cause.team.id,),
        cleared=Window(earliest=begins + 2 * third, latest=begins + cause.lasts + BACK_FOR + OUTSIDE_SLACK),
        within_m=cause.team.radius_m + cause.beyond_m,
    )


def _around(at: datetime, slack: timedelta) -> Window:
    return Window(earliest=at - slack, latest=at + slack)
