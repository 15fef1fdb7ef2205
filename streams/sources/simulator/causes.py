"""What goes wrong in an urban day, drawn from the seed: both the events and the ground truth follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from random import Random

from streams.sources.simulator.chance import generator
from streams.sources.simulator.sites import AIR, CAMERAS, STREET, Site, Team, site, sites, teams

#: The cameras that look at the two squares.
SQUARE_CAMERAS = ("camera:01", "camera:25")
#: Chance of a second fire.
SECOND_FIRE = 0.7


@dataclass(frozen=True, slots=True)
class Fire:
    """A camera sees smoke, `sure_after` later fire."""

    camera: Site
    begins: timedelta
    sure_after: timedelta = timedelta(minutes=2)
    lasts: timedelta = timedelta(minutes=12)


@dataclass(frozen=True, slots=True)
class Downpour:
    """It rains on a city for an hour; a street floods `after` its begin, to `peak_cm`, for `lasts`."""

    street: Site
    begins: timedelta
    peak_cm: float
    rain: timedelta = timedelta(minutes=60)
    after: timedelta = timedelta(minutes=20)
    lasts: timedelta = timedelta(minutes=150)


@dataclass(frozen=True, slots=True)
class Crowd:
    """Many people on a square."""

    camera: Site
    begins: timedelta
    people: int
    lasts: timedelta = timedelta(minutes=25)


@dataclass(frozen=True, slots=True)
class Haze:
    """One air station reads `pm2_5` micrograms per cubic metre for some hours."""

    station: Site
    begins: timedelta
    pm2_5: float = 130.0
    lasts: timedelta = timedelta(hours=8)


@dataclass(frozen=True, slots=True)
class Excursion:
    """A unit drives `beyond_m` out of its home area and back: out, there and back take a third each."""

    team: Team
    begins: timedelta
    bearing_rad: float
    beyond_m: float = 2000.0
    lasts: timedelta = timedelta(minutes=36)


@dataclass(frozen=True, slots=True)
class Causes:
    """All that goes wrong in one day."""

    fires: tuple[Fire, ...]
    downpour: Downpour
    crowd: Crowd
    haze: Haze
    excursion: Excursion


def causes(seed: int) -> Causes:
    """Draw the causes; most lie in the first five hours, so that a demo that begins there shows each of them."""
    chance = generator(seed, "causes")
    return Causes(
        fires=_fires(chance),
        downpour=Downpour(
            street=chance.choice(sites(STREET)), begins=_about(chance, 2.3), peak_cm=round(chance.uniform(34, 45), 1)
        ),
        crowd=Crowd(site(chance.choice(SQUARE_CAMERAS)), _about(chance, 3.2), people=chance.randint(300, 600)),
        haze=Haze(chance.choice(sites(AIR)), _about(chance, 0.8)),
        excursion=Excursion(chance.choice(teams()), _about(chance, 0.5), chance.uniform(0, 6.283)),
    )


def _fires(chance: Random) -> tuple[Fire, ...]:
    """One, or two in different cities: never one incident together."""
    ordinary = [camera for camera in sites(CAMERAS) if camera.id not in SQUARE_CAMERAS]
    first = chance.choice(ordinary)
    second = chance.choice([camera for camera in ordinary if camera.city != first.city])
    fires = (Fire(first, _about(chance, 1.8)), Fire(second, _about(chance, 3.7)))
    return fires if chance.random() < SECOND_FIRE else fires[:1]


def _about(chance: Random, hours: float) -> timedelta:
    """Give some hours after the begin, up to 8 minutes earlier or later, in whole seconds."""
    return timedelta(seconds=round(hours * 3600 + chance.uniform(-480, 480)))
