from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from geo.fence import Fix, Relation, Step, stand, step
from geo.zones import ZoneIndex
from schemas.events import Zone

START = datetime(2025, 11, 19, tzinfo=UTC)
ZONE = "area:depot"
#: About 1 m in degrees of longitude at the latitude of the zone.
METRE = 1 / 108_600


@pytest.fixture
def index(square: Callable[..., Zone]) -> ZoneIndex:
    return ZoneIndex.build([square("depot", 108.0, 12.6, 0.1, kind="area")])


def walk(index: ZoneIndex, *path: tuple[float, float | None], dwell_s: float | None = None) -> list[Step]:
    """Give the steps of fixes a minute apart, each a longitude and an accuracy in metres."""
    steps: list[Step] = []
    for minute, (lon, accuracy_m) in enumerate(path):
        fix = Fix(lon, 12.65, START + timedelta(minutes=minute), accuracy_m)
        steps.append(step(index, ZONE, steps[-1].presence if steps else None, fix, dwell_s=dwell_s))
    return steps


def relations(steps: list[Step]) -> list[set[str]]:
    return [{relation.value for relation in one.relations} for one in steps]


def test_enter_and_exit(index: ZoneIndex) -> None:
    """A unit that comes in enters once, is inside, and exits once."""
    steps = walk(index, (107.9, None), (108.05, None), (108.06, None), (108.2, None), (108.3, None))
    assert relations(steps) == [{"outside"}, {"enter", "inside"}, {"inside"}, {"exit", "outside"}, {"outside"}]


def test_the_first_fix_enters_nothing(index: ZoneIndex) -> None:
    """A unit that is first seen inside is inside and has not entered."""
    assert relations(walk(index, (108.05, 5.0))) == [{"inside"}]


def test_cross_between_two_fixes(index: ZoneIndex) -> None:
    """A unit that jumps over the zone between two fixes crosses it; one that passes beside it does not."""
    assert relations(walk(index, (107.9, None), (108.2, None)))[1] == {"outside", "cross"}
    before = step(index, ZONE, None, Fix(107.9, 12.5, START)).presence
    beside = step(index, ZONE, before, Fix(108.2, 12.5, START + timedelta(minutes=1)))
    assert beside.relations == {Relation.OUTSIDE}


def test_dwell_counts_from_entering(index: ZoneIndex) -> None:
    """Dwell holds from the fix that is dwell_s after entering, until the unit is out."""
    steps = walk(index, (107.9, None), *[(108.05, None)] * 4, (108.3, None), dwell_s=120)
    assert [Relation.DWELL in one.relations for one in steps] == [False, False, False, True, True, False]


def test_noise_at_the_edge_is_uncertain(index: ZoneIndex) -> None:
    """Fixes within their accuracy of the edge are uncertain and never change sides, so nothing flaps."""
    inside, outside = 108.0 + 5 * METRE, 108.0 - 5 * METRE
    steps = walk(index, (107.99, 10.0), (inside, 10.0), (outside, 10.0), (inside, 10.0), (108.001, 10.0))
    assert relations(steps) == [{"outside"}] * 4 + [{"enter", "inside"}]
    assert [one.uncertain for one in steps] == [False, True, True, True, False]


def test_leaving_after_noise_at_the_edge_is_no_crossing(index: ZoneIndex) -> None:
    """A unit outside whose noise touched the zone and who then goes away has not crossed it."""
    steps = walk(index, (107.99, 10.0), (108.0 + 5 * METRE, 10.0), (107.98, 10.0))
    assert relations(steps)[2] == {"outside"}


def test_uncertain_fixes_do_not_end_a_dwell(index: ZoneIndex) -> None:
    """A unit inside that is seen uncertainly outside for a moment goes on dwelling."""
    steps = walk(index, (108.05, 5.0), (108.0 - 5 * METRE, 10.0), (108.05, 5.0), dwell_s=120)
    assert relations(steps) == [{"inside"}, {"inside"}, {"inside", "dwell"}]


def test_an_older_fix_changes_nothing(index: ZoneIndex) -> None:
    """A fix that is not newer than the last one leaves the presence as it was."""
    inside = step(index, ZONE, None, Fix(108.05, 12.65, START))
    late = step(index, ZONE, inside.presence, Fix(107.0, 12.65, START - timedelta(minutes=1)))
    again = step(index, ZONE, inside.presence, Fix(107.0, 12.65, START))
    assert (late, again) == (inside, inside)


@pytest.mark.parametrize(
    ("metres", "accuracy_m", "inside", "uncertain"),
    [(20, 10.0, True, False), (20, 30.0, True, True), (-20, 30.0, False, True), (-20, 10.0, False, False)],
)
def test_stand_follows_centre_and_accuracy(
    index: ZoneIndex, metres: float, accuracy_m: float, *, inside: bool, uncertain: bool
) -> None:
    """Inside follows the centre; uncertain means that the edge is nearer than the accuracy."""
    here = stand(index, ZONE, Fix(108.0 + metres * METRE, 12.65, START, accuracy_m))
    assert (here.inside, here.uncertain) == (inside, uncertain)
    assert here.edge_m == pytest.approx(20, abs=0.2)


def test_without_accuracy_nothing_is_uncertain(index: ZoneIndex) -> None:
    """A fix of unknown accuracy is taken as it stands."""
    assert not stand(index, ZONE, Fix(108.0 + METRE, 12.65, START)).uncertain
