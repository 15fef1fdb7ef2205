"""Says which agency answers: reads the registered agencies, gives those for a kind, a commune and a day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from schemas.events import Agency


def competent_agencies(agencies: Iterable[Agency], kind: str, commune: str | None, day: date) -> list[Agency]:
    """Give the agencies that may answer for a kind of incident in a commune on a day, most specific first.

    Named competence counts before named territory: the fire police of the province goes before the commune's own
    committee in a fire. Then: fewer communes before more, fewer kinds before more, lowest id. `commune` None
    (outside all) leaves only agencies without a list of communes. Valid from `valid_from` (inclusive) to `valid_to`
    (exclusive).
    """
    able = [agency for agency in agencies if _valid(agency, day) and _answers(agency, kind, commune)]
    return sorted(able, key=_specificity)


def competent_agency(agencies: Iterable[Agency], kind: str, commune: str | None, day: date) -> Agency | None:
    """Give the first of `competent_agencies`, None when nobody answers."""
    return next(iter(competent_agencies(agencies, kind, commune, day)), None)


def _valid(agency: Agency, day: date) -> bool:
    begun = agency.valid_from is None or agency.valid_from <= day
    return begun and (agency.valid_to is None or day < agency.valid_to)


def _answers(agency: Agency, kind: str, commune: str | None) -> bool:
    here = not agency.communes or commune in agency.communes
    return here and (not agency.competence or kind in agency.competence)


def _specificity(agency: Agency) -> tuple[bool, bool, int, int, str]:
    return (
        not agency.competence,
        not agency.communes,
        len(agency.communes),
        len(agency.competence),
        agency.id,
    )
