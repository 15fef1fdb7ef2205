"""Units: what is accepted, converted exactly, and refused with a way out."""

from __future__ import annotations

import pytest

from schemas.errors import PoisonMessageError
from schemas.metrics import METRICS
from schemas.units import ALIASES, UNITS, canonical, convert, factor


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        (57, "cm", "m", 0.57),
        (0.29, "m", "cm", 29.0),  # a plain product gives 28.999999999999996
        (1, "[ft_i]", "m", 0.3048),
        (212, "[degF]", "Cel", 100.0),
        (300.15, "K", "Cel", 27.0),
        (0.041, "mg/m3", "ug/m3", 41.0),
        (3, "µg/m³", "ug/m3", 3.0),
        (3600, "l/h", "m3/s", 0.001),
        (0.54, "1", "%", 54.0),
        (36, "km/h", "m/s", 10.0),
        (10, "L/m2", "mm", 10.0),
        (1013.25, "mbar", "hPa", 1013.25),
        (5, "{vehicles}", "1", 5.0),
        (60, "dB(A)", "dB[A]", 60.0),
        (100, "[ppb]{NO2}", "ug/m3", pytest.approx(188.04, abs=0.01)),  # 1 ppb = 1.88 ug/m3 at 25 Cel
    ],
)
def test_convert(value: float, source: str, target: str, expected: float) -> None:
    """A value goes to another unit of its dimension, without binary noise in its digits."""
    assert convert(value, source, target) == expected


@pytest.mark.parametrize(
    ("source", "target", "way_out"),
    [
        ("V", "m", "source's unit map"),
        ("furlong", "m", "UCUM"),
        ("ppm", "ug/m3", r"\[ppm\]\{NO2\}"),
        ("dB[SPL]", "dB[A]", "unweighted"),
    ],
)
def test_refusal_names_a_way_out(source: str, target: str, way_out: str) -> None:
    """A unit that cannot be taken is refused as bad_unit, and the message says what to do."""
    with pytest.raises(PoisonMessageError, match=way_out) as caught:
        convert(1, source, target)
    assert (caught.value.reason, caught.value.field) == ("bad_unit", "unit")


def test_every_metric_is_kept_in_a_known_unit() -> None:
    """The unit of each metric is in the table, so that it can be a target."""
    assert {metric.id for metric in METRICS.values() if metric.unit not in UNITS} == set()


def test_every_alias_leads_to_a_known_unit() -> None:
    """No alias leads nowhere."""
    assert {word for word in ALIASES if canonical(word) not in UNITS} == set()


@pytest.mark.parametrize("code", sorted(UNITS))
def test_there_and_back(code: str) -> None:
    """Every unit converts to every unit of its dimension and back."""
    for other in UNITS.values():
        if other.dimension == UNITS[code].dimension:
            assert convert(convert(7.25, code, other.code), other.code, code) == pytest.approx(7.25)


def test_factor_is_scale_and_offset() -> None:
    """A whole column can be converted with one multiplication and one addition."""
    scale, offset = factor("[degF]", "Cel")
    assert scale == pytest.approx(5 / 9)
    assert offset == pytest.approx(-160 / 9)
