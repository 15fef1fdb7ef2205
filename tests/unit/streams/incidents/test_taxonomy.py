from __future__ import annotations

from datetime import date

from schemas.events import Agency
from streams.incidents.taxonomy import KINDS, lead_agency
from streams.rules.load import library

TODAY = date(2025, 11, 19)


def test_kinds_are_complete() -> None:
    """Every kind has both names, a leader, an icon and a severity from 1 to 5."""
    for kind in KINDS.values():
        assert all((kind.vi, kind.en, kind.agency, kind.lead, kind.lead_en, kind.icon))
        assert 1 <= kind.severity <= 5


def test_the_library_raises_known_kinds() -> None:
    """Every rule of the library raises a kind of the taxonomy."""
    assert {rule.raise_.kind for rule in library()} <= set(KINDS)


def test_agencies_hold_for_their_days() -> None:
    """An agency answers from its first day to the day before its last."""
    old = Agency(id="a", name="a", kind="fire", valid_to=date(2025, 7, 1))
    new = Agency(id="b", name="b", kind="fire", valid_from=date(2025, 7, 1))
    for expected, day in ((old, date(2025, 6, 30)), (new, date(2025, 7, 1))):
        assert lead_agency("fire.structure", None, [old, new], day) == expected


def test_the_commune_goes_before_the_province() -> None:
    """Among agencies of one kind the one named for the commune answers."""
    all_ = Agency(id="a", name="a", kind="commune", competence=("flood.urban",))
    ward = Agency(id="b", name="b", kind="commune", competence=("flood.urban",), communes=("24133",))
    assert lead_agency("flood.urban", "24133", [all_, ward], TODAY) == ward
    assert lead_agency("flood.urban", "22015", [all_, ward], TODAY) == all_
    assert lead_agency("flood.river", "24133", [all_, ward], TODAY) is None
