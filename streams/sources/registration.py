"""Checks a source that somebody registers: what could not work is refused then, not found in its events later; pure."""

from __future__ import annotations

from collections.abc import Iterator

from geo.projection import SRIDS, WGS84
from schemas.errors import PoisonMessageError, UsageError
from schemas.events import Source
from schemas.limits import MAX_NAME_CHARS
from schemas.metrics import METRICS
from schemas.text import clean
from schemas.units import canonical, factor
from streams.sources.checks import place
from streams.sources.registry import adapter, inner_adapter
from streams.sources.senml import MOVING_KINDS

KINDS = frozenset({"sensor", "camera", "report", "alert", "position", "case"}) | MOVING_KINDS
#: Longest cadence in seconds: a feed that speaks less than once a year has none.
MAX_CADENCE_S = 366 * 86_400.0
#: In an API key's list of sources it means all of them.
_EVERY_SOURCE = "*"


def check_source(source: Source) -> None:
    """Raise UsageError that names every field that cannot be, what is wrong with it, and an example."""
    if found := list(_problems(source)):
        raise UsageError(f"Source {source.id[:MAX_NAME_CHARS]!r}: " + "; ".join(found) + ".")


def _problems(source: Source) -> Iterator[str]:
    if not _is_name(source.id):
        yield (
            f"id is 1 to {MAX_NAME_CHARS} characters of one line, composed (NFC), without blanks around it "
            "and not '*', such as air-tuy-hoa"
        )
    if source.kind not in KINDS:
        yield f"kind {source.kind[:40]!r} is not known: use one of {', '.join(sorted(KINDS))}"
    yield from _format_problems(source)
    if source.cadence_s is not None and not 0 < source.cadence_s <= MAX_CADENCE_S:  # NaN too
        yield (
            f"cadence_s is {source.cadence_s}: the seconds between two events of a device are more than 0 and at most "
            f"{MAX_CADENCE_S:.0f}, such as 600; leave it out where they come irregularly"
        )
    if source.srid not in SRIDS:
        yield f"srid {source.srid} is not known: use one of {', '.join(map(str, sorted(SRIDS)))}"
    try:
        place(source.lon, source.lat, WGS84)
    except PoisonMessageError as error:
        yield f"{error.field}: {error}; give both in degrees of WGS 84, such as lon: 109.31 and lat: 13.09"
    yield from _unit_problems(source)


def _is_name(text: str) -> bool:
    try:
        tidy = clean(text, "id").strip()
    except PoisonMessageError:
        return False
    return 0 < len(text) <= MAX_NAME_CHARS and text.isprintable() and text == tidy and text != _EVERY_SOURCE


def _format_problems(source: Source) -> Iterator[str]:
    try:
        adapter(source.format)
    except UsageError as error:
        yield str(error)
    try:
        inner_adapter(source.options.get("data_format", "native"))
    except UsageError as error:
        yield f"options.data_format: {error}"


def _unit_problems(source: Source) -> Iterator[str]:
    for name, (metric, unit) in source.units.items():
        known = METRICS.get(metric)
        try:
            if unit:
                factor(unit, known.unit) if known else canonical(unit)
        except PoisonMessageError as error:
            example = f'{name[:40]}: [{metric[:40]}, "{known.unit if known else "m"}"]'
            yield f"units.{name[:40]}: {error}; such as {example}"
