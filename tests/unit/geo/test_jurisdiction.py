from __future__ import annotations

from datetime import date
from itertools import permutations

from geo.jurisdiction import competent_agencies, competent_agency
from schemas.events import Agency

DAY = date(2025, 11, 19)
FIRE = Agency(id="fire", name="Phòng PC07", kind="police", competence=("fire",))
WARD = Agency(id="ward", name="UBND phường Tuy Hoà", kind="committee", communes=("22015",))
CITY_WATER = Agency(
    id="water", name="Thoát nước", kind="company", communes=("22015", "22045"), competence=("flood", "leak")
)
PROVINCE = Agency(id="province", name="UBND tỉnh", kind="committee")
ALL = [FIRE, WARD, CITY_WATER, PROVINCE]


def test_most_specific_first_in_any_order() -> None:
    """Named competence goes before named territory, and both before the general one, however they are listed."""
    for agencies in permutations(ALL):
        assert competent_agencies(agencies, "fire", "22015", DAY) == [FIRE, WARD, PROVINCE]
        assert competent_agencies(agencies, "flood", "22015", DAY) == [CITY_WATER, WARD, PROVINCE]


def test_outside_all_communes() -> None:
    """Outside all communes only agencies without a list of communes answer."""
    assert competent_agencies(ALL, "flood", None, DAY) == [PROVINCE]
    assert competent_agency(ALL, "fire", None, DAY) == FIRE


def test_nobody_answers() -> None:
    """Without a competent agency the answer is None."""
    assert competent_agency([FIRE, WARD], "flood", "24133", DAY) is None


def test_agencies_of_the_day() -> None:
    """The first day of validity counts, the last does not."""
    old = Agency(id="a", name="Sở TT&TT", kind="department", valid_to=DAY)
    new = Agency(id="b", name="Sở KH&CN", kind="department", valid_from=DAY)
    assert competent_agencies([old, new], "outage", None, DAY) == [new]
    assert competent_agencies([old, new], "outage", None, date(2025, 11, 18)) == [old]


def test_ties_go_to_the_narrower_then_to_the_lowest_id() -> None:
    """Fewer communes go first, then fewer kinds, then the lowest id."""
    wide = Agency(id="a", name="a", kind="x", communes=("1", "2"), competence=("fire",))
    loose = Agency(id="b", name="b", kind="x", communes=("1",), competence=("fire", "flood"))
    first = Agency(id="c", name="c", kind="x", communes=("1",), competence=("fire",))
    second = Agency(id="d", name="d", kind="x", communes=("1",), competence=("fire",))
    assert competent_agencies([wide, loose, second, first], "fire", "1", DAY) == [first, second, loose, wide]
