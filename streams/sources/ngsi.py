"""Reads FIWARE entities: NGSI-LD and NGSIv2, normalized and key-values, notifications, GeoJSON features."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from schemas.errors import PoisonMessageError
from schemas.events import Source
from schemas.events.dead_letter import Reason
from schemas.units import convert
from streams.sources.abstract import Draft
from streams.sources.checks import number
from streams.sources.documents import check_items, json_document
from streams.sources.location import Point, point_of
from streams.sources.names import snake
from streams.sources.ngsi_model import ATTRIBUTES, CEFACT, ONLY_IN, SEVERITIES, TIMES, VEHICLES

#: Ids of observation entities often carry the time; the device is what is left without it.
_TIME_IN_ID = re.compile(r"[-_:]?\d{4}-\d{2}-\d{2}T[\d:.]+(?:Z|[+-]\d{2}:?\d{2})?")
_ZONED = re.compile(r"(?:[zZ]|[+-]\d{2}:?\d{2})$")


@dataclass(frozen=True, slots=True)
class _Attribute:
    """One attribute without its wrapping; `unit` in UCUM or as sent, `at` its own time."""

    value: Any
    unit: str | None
    at: str | None


@dataclass(frozen=True, slots=True)
class _Entity:
    """One entity without its wrapping."""

    id: str
    type: str
    attributes: dict[str, _Attribute]

    def value(self, name: str) -> Any:
        """Give an attribute's value, None when it is not there."""
        found = self.attributes.get(name)
        return None if found is None else found.value

    def text(self, name: str) -> str | None:
        """Give an attribute's value when it is a text that says something."""
        value = self.value(name)
        return value if isinstance(value, str) and value else None


class Ngsi:
    """NGSI entities: known numeric attributes become observations, Alert entities alerts, vehicles positions."""

    format = "ngsi"
    title = "NGSI-LD and NGSIv2 entities (FIWARE Smart Data Models)"

    def read(
        self,
        raw: bytes,
        source: Source,
        headers: Mapping[str, bytes],  # noqa: ARG002 -- the protocol's
    ) -> Iterator[Draft | PoisonMessageError]:
        """Give the events of each entity; an entity with none is refused with the names that could be mapped."""
        entities = list(_entities(json_document(raw)))
        check_items(len(entities))
        for item in entities:
            try:
                yield from _events(_unwrap(item), source)
            except PoisonMessageError as error:
                yield error


def _entities(document: Any) -> Iterator[Any]:
    """Take entities out of lists, notifications (`data`) and feature collections."""
    if isinstance(document, list):
        yield from document
    elif isinstance(document, dict) and isinstance(document.get("data"), list) and not _is_entity(document):
        yield from document["data"]
    elif isinstance(document, dict) and document.get("type") == "FeatureCollection":
        features = document.get("features")
        yield from features if isinstance(features, list) else []
    else:
        yield document


def _is_entity(document: dict[str, Any]) -> bool:
    return document.get("type") != "Notification" and "subscriptionId" not in document


def _unwrap(item: Any) -> _Entity:
    if not isinstance(item, dict):
        raise PoisonMessageError(Reason.BAD_SHAPE, "an entity is a JSON object")
    if item.get("type") == "Feature" and isinstance(item.get("properties"), dict):
        item = {"location": item.get("geometry")} | item["properties"] | {"id": item.get("id")}
    for field in ("id", "type"):
        if not isinstance(item.get(field), str) or not item[field]:
            raise PoisonMessageError(Reason.BAD_SHAPE, f"an entity has a text `{field}`", field=field)
    attributes = {
        _short(name): _attribute(value) for name, value in item.items() if name not in ("id", "type", "@context")
    }
    return _Entity(item["id"], _short(item["type"]), attributes)


def _short(name: str) -> str:
    """Names may be expanded to URIs: the last part is the term."""
    return re.split(r"[/#]", name)[-1] if "://" in name else name


def _attribute(wrapped: Any) -> _Attribute:
    if isinstance(wrapped, list) and wrapped and isinstance(wrapped[0], dict) and "value" in wrapped[0]:
        wrapped = next((one for one in wrapped if isinstance(one, dict) and "datasetId" not in one), wrapped[0])
    if not isinstance(wrapped, dict) or not ("value" in wrapped or "object" in wrapped):
        return _Attribute(_plain(wrapped), None, None)
    metadata = wrapped.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    at = next(
        (_meta(metadata, name) for name in ("timestamp", "TimeInstant", "dateObserved") if name in metadata), None
    )
    return _Attribute(
        value=_plain(wrapped.get("value", wrapped.get("object"))),
        unit=_unit(wrapped.get("unitCode", _meta(metadata, "unitCode") or _meta(metadata, "unit"))),
        at=_plain(wrapped.get("observedAt", at)),
    )


def _meta(metadata: dict[str, Any], name: str) -> Any:
    found = metadata.get(name)
    return found.get("value") if isinstance(found, dict) else found


def _plain(value: Any) -> Any:
    return value["@value"] if isinstance(value, dict) and "@value" in value else value


def _unit(code: Any) -> str | None:
    return CEFACT.get(code, code) if isinstance(code, str) else None


def _events(entity: _Entity, source: Source) -> Iterator[Draft | PoisonMessageError]:
    if "Forecast" in entity.type:
        raise PoisonMessageError(
            Reason.UNSUPPORTED, f"{entity.type} tells the future: it is no observation", field="type"
        )
    if entity.type == "Alert":
        yield _alert(entity)
        return
    count = 0
    if entity.type in VEHICLES:
        count += 1
        yield _position(entity)
    given: set[tuple[str, str]] = set()
    for name, attribute in entity.attributes.items():
        if _is_known(name, entity, source) and attribute.value is not None:  # null: the sender has no value now
            count += 1
            yield _once(_observation(name, attribute, entity, source), name, given)
    if count == 0:
        numeric = ", ".join(n for n, a in entity.attributes.items() if type(a.value) in (int, float))[:200]
        hint = (
            f"name in the source's unit map what you need of: {numeric}" if numeric else "it has no numeric attribute"
        )
        raise PoisonMessageError(Reason.UNSUPPORTED, f"nothing of {entity.type[:60]} is known; {hint}", field="type")


def _once(draft: Draft | PoisonMessageError, name: str, given: set[tuple[str, str]]) -> Draft | PoisonMessageError:
    """Refuse a second attribute of one metric (height, waterLevel): the first stands, always."""
    if isinstance(draft, PoisonMessageError):
        return draft
    identity = (draft.fields["metric"], str(draft.at))
    if identity in given:
        message = f"{name}: another attribute of this entity is {identity[0]} of the same time already"
        return PoisonMessageError(Reason.ID_CONFLICT, message, field=name)
    given.add(identity)
    return draft


def _is_known(name: str, entity: _Entity, source: Source) -> bool:
    if name in source.units:
        return True
    return name in ATTRIBUTES and (name not in ONLY_IN or entity.type in ONLY_IN[name])


def _observation(name: str, attribute: _Attribute, entity: _Entity, source: Source) -> Draft | PoisonMessageError:
    metric, unit = (name, "") if name in source.units else ATTRIBUTES[name]
    unit = attribute.unit or unit
    if not unit and name not in source.units:
        message = f"{name} has no unitCode and its data model states no unit: name the unit in the source's unit map"
        return PoisonMessageError(Reason.BAD_UNIT, message, field=name)
    value = attribute.value
    if isinstance(value, dict) and "instValue" in value:  # "TSA": instant, mean, least and greatest in one attribute
        value = value["instValue"]
    place, defect = _place(entity)
    return defect or Draft(
        kind="observation",
        at=attribute.at or _time(entity),
        fields={"device": _device(entity, source), "metric": metric, "value": value, "unit": unit or None},
        lon=None if place is None else place[0],
        lat=None if place is None else place[1],
    )


def _place(entity: _Entity) -> tuple[Point | None, PoisonMessageError | None]:
    try:
        return point_of(entity.value("location") or entity.value("lastKnownPosition")), None
    except PoisonMessageError as error:
        return None, error


def _device(entity: _Entity, source: Source) -> Any:
    if source.key:
        return entity.value(source.key)
    return entity.text("refDevice") or _TIME_IN_ID.sub("", entity.id).strip("-_:") or entity.id


def _time(entity: _Entity) -> str | None:
    """Give the best time that has a zone, of an interval its end; one without a zone is left for the edge to refuse."""
    found = [text.rpartition("/")[2] for text in map(entity.text, TIMES) if text]
    return next((text for text in found if _ZONED.search(text)), found[0] if found else None)


def _alert(entity: _Entity) -> Draft:
    kind = entity.text("subCategory") or entity.text("category") or "alert"
    at = entity.text("dateIssued") or entity.text("validFrom") or _time(entity)
    place = point_of(entity.value("location"))
    text = entity.text("description") or ""
    return Draft(
        kind="alert",
        at=at,
        fields={
            "kind": snake(kind) or "alert",
            "headline": (entity.text("name") or text or kind)[:200],
            "severity": SEVERITIES.get((entity.text("severity") or "").lower(), 2),
            "text": text,
            "expires_at": entity.text("validTo"),
        },
        event_id=f"{entity.id}|{at}"[:256],
        lon=None if place is None else place[0],
        lat=None if place is None else place[1],
    )


def _position(entity: _Entity) -> Draft:
    place = point_of(entity.value("lastKnownPosition") or entity.value("location"))
    speed = entity.attributes.get("speed")
    at = entity.text("lastKnownPositionUpdatedAt") or (speed.at if speed else None) or _time(entity)
    return Draft(
        kind="position",
        at=at,
        fields={
            "unit": entity.text("fleetVehicle") or entity.id,
            "speed_mps": _in_mps(speed),
            "heading_deg": entity.value("bearing") if entity.value("bearing") is not None else entity.value("heading"),
        },
        lon=None if place is None else place[0],
        lat=None if place is None else place[1],
    )


def _in_mps(speed: _Attribute | None) -> float | None:
    """Give metres per second; the model states km/h, -1 means standing with unknown direction (Vehicle model)."""
    if speed is None or speed.value is None or speed.value == -1:
        return None
    return convert(number(speed.value, "speed"), speed.unit or "km/h", "m/s")
