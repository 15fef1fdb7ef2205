"""Reads SenML packs (RFC 8428), JSON and XML: base values resolved, lon and lat records taken as positions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from schemas.errors import PoisonMessageError
from schemas.events import Source
from schemas.events.dead_letter import Reason
from streams.sources.abstract import Draft
from streams.sources.checks import number
from streams.sources.documents import check_items, json_document, local, xml_document
from streams.sources.names import is_metric, metric_of

#: Times below this are relative to now (RFC 8428, section 4.5.3).
RELATIVE_BELOW = 2**28
#: Highest version of the media type that is read (`bver`; RFC 8428, section 4.4).
MAX_VERSION = 10

#: Units of the SenML registry (RFC 8428 section 12.1, RFC 8798) that are written otherwise in UCUM.
SENML_UNITS: dict[str, str] = {
    "l": "L", "l/s": "L/s", "/": "1", "%RH": "%", "%EL": "%", "EL": "s", "count": "1", "1/s": "/s", "1/min": "/min",
    "beat/min": "/min", "beats": "1", "pH": "[pH]", "NTU": "[NTU]", "dBm": "dB[mW]", "C": "coulomb", "/100": "%",
    "/1000": "[ppth]", "ppm": "[ppm]", "mm/h": "mm/h", "Bspl": "bel",
}  # fmt: skip
PLACE_UNITS = ("lon", "lat")
#: Sources of these kinds (`Source.kind`) tell where something is that moves.
MOVING_KINDS = frozenset({"position", "unit", "vehicle"})
#: What a nameless record measures, by its unit: as the examples of the RFC use it.
_METRIC_OF_UNIT = {"Cel": "temperature", "%RH": "humidity", "%EL": "battery"}
_NUMBERS = frozenset({"bt", "bv", "bs", "bver", "t", "ut", "v", "s"})
_SEPARATORS = ":/_."
_KNOWN = _NUMBERS | frozenset({"bn", "bu", "n", "u", "vs", "vb", "vd"})


@dataclass(frozen=True, slots=True)
class _Resolved:
    """A record with the base values of its pack put in."""

    base_name: str
    own_name: str
    time: float
    unit: str
    value: object


class SenML:
    """SenML: the device is the base name, the metric the record's name."""

    format = "senml"
    title = "SenML packs (RFC 8428), JSON and XML"

    def read(
        self,
        raw: bytes,
        source: Source,
        headers: Mapping[str, bytes],  # noqa: ARG002 -- the protocol's
    ) -> Iterator[Draft | PoisonMessageError]:
        """Give an observation for each numeric record; other records are refused one by one.

        A pack of places only gives the positions of a unit, when that is what its source sends.
        """
        records = _xml_records(raw) if raw.lstrip()[:1] == b"<" else _json_records(raw)
        check_items(len(records))
        resolved = list(_resolve(records))
        places = _places(resolved)
        for item in resolved:
            if isinstance(item, PoisonMessageError):
                yield item
            elif item.unit not in PLACE_UNITS:
                yield _draft(item, places, source)
        if resolved and all(isinstance(item, _Resolved) and item.unit in PLACE_UNITS for item in resolved):
            yield from _positions(resolved, source)


def _json_records(raw: bytes) -> list[Any]:
    pack = json_document(raw)
    if not isinstance(pack, list):
        raise PoisonMessageError(Reason.BAD_SHAPE, "a SenML pack is a JSON array of records")
    return pack


def _xml_records(raw: bytes) -> list[Any]:
    root = xml_document(raw)
    if local(root.tag) != "sensml":
        raise PoisonMessageError(Reason.BAD_SHAPE, f"root element is {local(root.tag)[:40]!r}, not sensml")
    return [{name: _xml_value(name, text) for name, text in record.attrib.items()} for record in root]


def _xml_value(name: str, text: str) -> object:
    """Attributes are text; those that are numbers become numbers, and the edge names those that are not."""
    if name not in _NUMBERS:
        return text
    try:
        return float(text)
    except ValueError:
        return text


def _resolve(records: list[Any]) -> Iterator[_Resolved | PoisonMessageError]:
    base: dict[str, Any] = {}
    for record in records:
        try:
            base |= _base_of(record)
            resolved = _resolve_one(record, base)
        except PoisonMessageError as error:
            yield error
            continue
        if resolved is not None:
            yield resolved


def _base_of(record: Any) -> dict[str, Any]:
    if not isinstance(record, dict):
        raise PoisonMessageError(Reason.BAD_SHAPE, "a SenML record is an object")
    return {name: value for name, value in record.items() if name[:1] == "b" and name in _KNOWN}


def _resolve_one(record: dict[str, Any], base: dict[str, Any]) -> _Resolved | None:
    if number(base.get("bver", MAX_VERSION), "bver") > MAX_VERSION:
        raise PoisonMessageError(
            Reason.UNSUPPORTED, f"SenML version {base['bver']} is newer than {MAX_VERSION}", field="bver"
        )
    must = [name for name in record if name.endswith("_") and name not in _KNOWN]
    if must:
        raise PoisonMessageError(
            Reason.UNSUPPORTED, f"field {must[0][:40]!r} must be understood, and is not", field=must[0]
        )
    for name in ("vs", "vb", "vd"):
        if name in record:
            raise PoisonMessageError(Reason.UNSUPPORTED, "only numeric values are observations", field=name)
    if "v" not in record and "bv" not in base:
        if record.keys() & {"n", "u", "s"}:
            raise PoisonMessageError(Reason.UNSUPPORTED, "record has no value (a sum alone is not read)", field="v")
        return None  # base values for the records that follow
    return _Resolved(
        base_name=_text(base.get("bn", ""), "bn"),
        own_name=_text(record.get("n", ""), "n"),
        time=_seconds(base.get("bt", 0), "bt") + _seconds(record.get("t", 0), "t"),
        unit=_text(record.get("u", base.get("bu", "")), "u"),
        value=_sum(record.get("v", 0), base.get("bv", 0)),
    )


def _text(value: object, field: str) -> str:
    if not isinstance(value, str):
        raise PoisonMessageError(Reason.BAD_SHAPE, f"{field} is a text", field=field)
    return value


def _seconds(value: object, field: str) -> float:
    try:
        return number(value, field)
    except PoisonMessageError as error:
        raise PoisonMessageError(Reason.BAD_TIME, str(error), field=field) from error


def _sum(value: object, base: object) -> object:
    return value if base == 0 else number(value, "v") + number(base, "bv")


def _places(records: list[_Resolved | PoisonMessageError]) -> dict[float, dict[str, float]]:
    """Give lon and lat by time; a pack that tells one position only was at that place all the time (key -1)."""
    places: dict[float, dict[str, float]] = {}
    for record in records:
        if isinstance(record, _Resolved) and record.unit in PLACE_UNITS and isinstance(record.value, int | float):
            places.setdefault(record.time, {})[record.unit] = float(record.value)
    if len(places) == 1:
        places[-1.0] = next(iter(places.values()))
    return places


def _positions(records: list[_Resolved | PoisonMessageError], source: Source) -> Iterator[Draft | PoisonMessageError]:
    """Give one position for each unit and time of a pack of places; a place without its other half is refused."""
    if source.kind not in MOVING_KINDS:
        kinds = ", ".join(sorted(MOVING_KINDS))
        message = f"the pack tells places only, which are positions when its source is of kind {kinds}"
        yield PoisonMessageError(Reason.UNSUPPORTED, message, field="u")
        return
    fixes: dict[tuple[str, float], dict[str, Any]] = {}
    for record in records:
        if isinstance(record, _Resolved):
            fixes.setdefault((_unit_name(record), record.time), {})[record.unit] = record.value
    for (unit, at), fix in fixes.items():
        relative = at < RELATIVE_BELOW
        yield Draft(
            kind="position",
            at=None if relative else at,
            after_reception_s=at if relative else None,
            fields={"unit": unit},
            lon=fix.get("lon"),
            lat=fix.get("lat"),
        )


def _unit_name(record: _Resolved) -> str:
    """Give the base name, else the record's own name without what it measures (`truck-1/lon`)."""
    whole = record.base_name.rstrip(_SEPARATORS)
    return whole or record.own_name.removesuffix(record.unit).rstrip(_SEPARATORS)


def _draft(record: _Resolved, places: dict[float, dict[str, float]], source: Source) -> Draft:
    device, metric = _device_and_metric(record, source)
    unit = SENML_UNITS.get(record.unit, record.unit)
    place = places.get(record.time) or places.get(-1.0) or {}
    relative = record.time < RELATIVE_BELOW
    return Draft(
        kind="observation",
        at=None if relative else record.time,
        after_reception_s=record.time if relative else None,
        fields={"device": device, "metric": metric, "value": record.value, "unit": unit or None},
        lon=place.get("lon"),
        lat=place.get("lat"),
    )


def _device_and_metric(record: _Resolved, source: Source) -> tuple[str, str]:
    """Give base name and name; a whole name in one piece is cut at its last separator when a metric follows."""
    base, own = record.base_name.rstrip(_SEPARATORS), record.own_name
    if base and own:
        return base, _metric(own, source)
    whole = base or own
    cut = max(whole.rfind(":"), whole.rfind("/"))
    if cut > 0 and (whole[cut + 1 :] in source.units or is_metric(whole[cut + 1 :])):
        return whole[:cut], _metric(whole[cut + 1 :], source)
    return whole, _METRIC_OF_UNIT.get(record.unit, "")


def _metric(name: str, source: Source) -> str:
    return name if name in source.units else metric_of(name)
