"""The units that the edge accepts (UCUM codes), and how a value goes from one to another of the same dimension."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache

from schemas.errors import PoisonMessageError
from schemas.events.dead_letter import Reason

_ANNOTATION = re.compile(r"\{[^{}]*\}")
# A converted value keeps this many digits: 0.29 m must be 29 cm and not 28.999999999999996, or it misses a threshold.
_DIGITS = 12


@dataclass(frozen=True, slots=True)
class UnitCode:
    """A unit: value in the dimension's base = value * scale + offset. The base is SI, or what the comment says."""

    code: str
    dimension: str
    scale: float
    offset: float = 0.0


def _table(dimension: str, scales: dict[str, float]) -> list[UnitCode]:
    return [UnitCode(code, dimension, scale) for code, scale in scales.items()]


# Molar volume of a gas at 25 °C and 101 325 Pa in m3/mol (R T / p): the reference state of QCVN 05:2023/BTNMT.
_MOLAR_VOLUME = 8.314462618 * 298.15 / 101_325
# Molar masses in g/mol (IUPAC 2021 atomic weights).
_MOLAR_MASS = {"CO": 28.010, "NO2": 46.0055, "O3": 47.997, "SO2": 64.064, "NO": 30.006, "NH3": 17.031, "H2S": 34.08}


def _gases() -> list[UnitCode]:
    """Give ppm and ppb of a named gas as mass concentrations: `[ppb]{NO2}` in a source's unit map."""
    return [
        UnitCode(f"[{parts}]{{{gas}}}", "mass concentration", share * mass * 1e-3 / _MOLAR_VOLUME)
        for gas, mass in _MOLAR_MASS.items()
        for parts, share in (("ppm", 1e-6), ("ppb", 1e-9))
    ]


# Scales to SI: UCUM 2.2 tables 3-28; [ft_i] = 0.3048 m, [in_i] = 0.0254 m, [kn_i] = 1852 m/h exactly.
UNITS: dict[str, UnitCode] = {
    unit.code: unit
    for unit in (
        *_table("length", {"m": 1, "cm": 1e-2, "mm": 1e-3, "um": 1e-6, "dm": 0.1, "km": 1e3, "[ft_i]": 0.3048}),
        *_table("length", {"[in_i]": 0.0254, "[mi_i]": 1609.344, "L/m2": 1e-3, "kg/m2": 1e-3}),  # water: 1 kg/m2 = 1 mm
        *_table("mass concentration", {"kg/m3": 1, "g/m3": 1e-3, "mg/m3": 1e-6, "ug/m3": 1e-9, "ng/m3": 1e-12}),
        *_table("mass concentration", {"g/L": 1, "mg/L": 1e-3, "ug/L": 1e-6}),
        *_gases(),
        *_table("fraction", {"1": 1, "%": 1e-2, "[ppth]": 1e-3, "[ppm]": 1e-6, "[ppb]": 1e-9}),
        *_table("flow", {"m3/s": 1, "m3/h": 1 / 3600, "m3/d": 1 / 86_400, "L/s": 1e-3, "L/min": 1e-3 / 60}),
        *_table("flow", {"L/h": 1e-3 / 3600}),
        *_table("speed", {"m/s": 1, "km/h": 1 / 3.6, "[kn_i]": 1852 / 3600, "[mi_i]/h": 0.44704, "cm/s": 1e-2}),
        *_table(
            "speed", {"mm/h": 1e-3 / 3600, "mm/d": 1e-3 / 86_400, "[in_i]/h": 0.0254 / 3600, "L/(m2.h)": 1e-3 / 3600}
        ),
        *_table("temperature", {"K": 1}),
        UnitCode("Cel", "temperature", 1, 273.15),
        UnitCode("[degF]", "temperature", 5 / 9, 459.67 * 5 / 9),
        *_table("pressure", {"Pa": 1, "hPa": 100, "kPa": 1e3, "bar": 1e5, "mbar": 100, "m[H2O]": 9806.65}),
        *_table("pressure", {"mm[Hg]": 133.322387415}),
        # A plain dB is the metric's own weighting; an unweighted dB[SPL] cannot become an A-weighted level.
        *_table("sound level", {"dB[A]": 1, "dB": 1}),
        *_table("unweighted sound level", {"dB[SPL]": 1}),
        *_table("power level", {"dB[mW]": 1}),
        *_table("time", {"s": 1, "ms": 1e-3, "min": 60, "h": 3600, "d": 86_400}),
        *_table("frequency", {"/s": 1, "Hz": 1, "kHz": 1e3, "/min": 1 / 60, "/h": 1 / 3600, "/d": 1 / 86_400}),
        *_table("angle", {"rad": 1, "deg": math.pi / 180}),
        *_table("voltage", {"V": 1, "mV": 1e-3, "kV": 1e3}),
        *_table("current", {"A": 1, "mA": 1e-3}),
        *_table("power", {"W": 1, "mW": 1e-3, "kW": 1e3, "MW": 1e6}),
        *_table("energy", {"J": 1, "kJ": 1e3, "Wh": 3600, "kWh": 3.6e6, "W.h": 3600, "kW.h": 3.6e6}),
        *_table("irradiance", {"W/m2": 1}),
        *_table("illuminance", {"lx": 1, "klx": 1e3}),
        *_table("luminous flux", {"lm": 1}),
        *_table("mass", {"kg": 1, "g": 1e-3, "t": 1e3}),
        *_table("area", {"m2": 1, "km2": 1e6, "har": 1e4}),
        *_table("volume", {"m3": 1, "L": 1e-3, "mL": 1e-6}),
        *_table("conductivity", {"S/m": 1, "uS/cm": 1e-4, "mS/cm": 0.1}),
        *_table("acidity", {"[pH]": 1}),
        *_table("turbidity", {"[NTU]": 1}),
        *_table("dose rate", {"Sv/h": 1, "uSv/h": 1e-6, "nSv/h": 1e-9}),
    )
}

#: Ways of writing that are not UCUM but plain to everyone.
ALIASES: dict[str, str] = {
    "": "1", "count": "1", "unit": "1", "percent": "%", "%RH": "%", "ppm": "[ppm]", "ppb": "[ppb]", "‰": "[ppth]",
    "10*-6": "[ppm]", "10*-9": "[ppb]",
    "°C": "Cel", "℃": "Cel", "degC": "Cel", "C": "Cel", "oC": "Cel", "°F": "[degF]", "℉": "[degF]", "degF": "[degF]",
    "°": "deg", "ft": "[ft_i]", "in": "[in_i]", "mi": "[mi_i]", "µm": "um", "ha": "har",
    "l": "L", "ml": "mL", "l/m2": "L/m2", "l/s": "L/s", "l/min": "L/min", "l/h": "L/h",
    "mg/l": "mg/L", "ug/l": "ug/L", "g/l": "g/L",
    "kmh": "km/h", "kph": "km/h", "kn": "[kn_i]", "kt": "[kn_i]", "knot": "[kn_i]", "knots": "[kn_i]",
    "mph": "[mi_i]/h", "mps": "m/s", "mmHg": "mm[Hg]", "mH2O": "m[H2O]",
    "dBA": "dB[A]", "dB(A)": "dB[A]", "dBm": "dB[mW]", "dB(SPL)": "dB[SPL]", "dBspl": "dB[SPL]",
    "m3s-1": "m3/s", "sec": "s", "hr": "h", "lux": "lx", "pH": "[pH]", "NTU": "[NTU]",
}  # fmt: skip

_SAME = str.maketrans({"µ": "u", "μ": "u", "³": "3", "²": "2", "^": "", "⁻": "-", "¹": "1"})


@lru_cache(maxsize=4096)
def canonical(unit: str) -> str:
    """Give the UCUM code of a unit as people write it (`µg/m³` gives `ug/m3`); raises PoisonMessageError (bad_unit)."""
    for form in (unit, unit.strip(), unit.strip().translate(_SAME), _ANNOTATION.sub("", unit.strip())):
        code = ALIASES.get(form, form)
        if code in UNITS:
            return code
    raise PoisonMessageError(
        Reason.BAD_UNIT,
        f"unit {unit[:40]!r} is not known: use UCUM such as m, mm/h, Cel, ug/m3, or say it in the source's unit map",
        field="unit",
    )


@lru_cache(maxsize=4096)
def factor(from_unit: str, to_unit: str) -> tuple[float, float]:
    """Give (scale, offset) with value_in_to = value_in_from * scale + offset, for one value or a whole column.

    Raises PoisonMessageError (bad_unit) when a unit is unknown or the two measure different things.
    """
    source, target = UNITS[canonical(from_unit)], UNITS[canonical(to_unit)]
    if source.dimension != target.dimension:
        raise PoisonMessageError(Reason.BAD_UNIT, _mismatch(source, target), field="unit")
    scale = float(f"{source.scale / target.scale:.15g}")
    return scale, float(f"{(source.offset - target.offset) / target.scale:.{_DIGITS}g}")


def apply(value: float, scale: float, offset: float) -> float:
    """Give value * scale + offset without binary noise (12 significant digits)."""
    if scale == 1.0 and offset == 0.0:
        return float(value)
    return float(f"{value * scale + offset:.{_DIGITS}g}")


def convert(value: float, from_unit: str, to_unit: str) -> float:
    """Give a value of one unit in another; raises PoisonMessageError (bad_unit, field `unit`)."""
    return apply(value, *factor(from_unit, to_unit))


def _mismatch(source: UnitCode, target: UnitCode) -> str:
    message = f"unit {source.code!r} is a {source.dimension}, and {target.code!r} (a {target.dimension}) is needed"
    if source.code in ("[ppm]", "[ppb]") and target.dimension == "mass concentration":
        return f"{message}: name the gas in the source's unit map, such as {source.code}{{NO2}} (25 Cel, 1013.25 hPa)"
    return f"{message}: correct the unit at the sender or in the source's unit map"
