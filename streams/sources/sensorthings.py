"""Reads OGC SensorThings: observations alone, in lists, data arrays, Datastreams, Things and batches."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from schemas.errors import PoisonMessageError
from schemas.events import Source
from schemas.events.dead_letter import Reason
from streams.sources.abstract import Draft
from streams.sources.documents import check_items, json_document
from streams.sources.location import point_of
from streams.sources.names import metric_of

Drafts = Iterator[Draft | PoisonMessageError]
#: MQTT topic or batch address that names the Datastream: v1.1/Datastreams(42)/Observations.
_DATASTREAM_URL = re.compile(r"Datastreams\(([^()]+)\)")


@dataclass(frozen=True, slots=True)
class _Stream:
    """What is known of where an observation comes from; `id` as in Datastreams(id)."""

    id: str = ""
    metric: str = ""
    unit: str | None = None
    device: str = ""
    place: Any = None


class SensorThings:
    """SensorThings: the device is the Thing's name, the metric the observed property's.

    A Datastream that is not expanded is looked up in the source's unit map as `Datastreams(<id>)`, and is its own
    device; a feed of one Datastream may name `metric` and `device` in the source's options.
    """

    format = "sensorthings"
    title = "OGC SensorThings 1.0/1.1 observations, data arrays, deep inserts, batches, MQTT"

    def read(self, raw: bytes, source: Source, headers: Mapping[str, bytes]) -> Iterator[Draft | PoisonMessageError]:
        """Give an observation for each result."""
        topic = headers.get("mqtt_topic", b"").decode("utf-8", "replace")
        found = _DATASTREAM_URL.search(topic)
        stream = _Stream(id=found[1] if found else "", device=source.options.get("device", ""))
        count = 0
        for draft in _any(json_document(raw), stream, source):
            count += 1
            check_items(count)
            yield draft
        if count == 0:
            raise PoisonMessageError(Reason.UNSUPPORTED, "message holds no observation")


def _any(document: Any, stream: _Stream, source: Source) -> Drafts:
    """Give the observations in whatever entity this is."""
    if isinstance(document, list):
        for one in document:
            yield from _any(one, stream, source)
    elif not isinstance(document, dict):
        yield PoisonMessageError(Reason.BAD_SHAPE, "an entity is a JSON object")
    elif isinstance(document.get("requests"), list):
        yield from _batch(document["requests"], source)
    elif isinstance(document.get("value"), list):
        yield from _any(document["value"], stream, source)
    elif isinstance(document.get("Datastreams"), list):
        yield from _thing(document, source)
    elif "dataArray" in document:
        yield from _data_array(document, _of_observation(document, stream), source)
    elif "result" in document:
        yield _observation(document, _of_observation(document, stream), source)
    elif isinstance(document.get("Observations"), list):
        yield from _any(document["Observations"], _of_datastream(document, stream), source)


def _thing(thing: dict[str, Any], source: Source) -> Drafts:
    stream = _of_thing(thing, _Stream())
    for datastream in thing["Datastreams"]:
        if isinstance(datastream, dict):
            yield from _any(datastream, _of_datastream(datastream, stream), source)


def _of_thing(thing: dict[str, Any], stream: _Stream) -> _Stream:
    locations = thing.get("Locations")
    first = locations[0] if isinstance(locations, list) and locations else None
    place = first.get("location") if isinstance(first, dict) else None
    return replace(stream, device=_name(thing) or stream.device, place=place or stream.place)


def _of_datastream(datastream: dict[str, Any], stream: _Stream) -> _Stream:
    if isinstance(datastream.get("Thing"), dict):
        stream = _of_thing(datastream["Thing"], stream)
    unit = datastream.get("unitOfMeasurement")
    found = datastream.get("ObservedProperty")
    return replace(
        stream,
        id=str(datastream.get("@iot.id", stream.id)),
        metric=_name(found) if isinstance(found, dict) else stream.metric,
        unit=_symbol(unit) if isinstance(unit, dict) else stream.unit,
    )


def _of_observation(observation: dict[str, Any], stream: _Stream) -> _Stream:
    datastream = observation.get("Datastream")
    return _of_datastream(datastream, stream) if isinstance(datastream, dict) else stream


def _name(entity: dict[str, Any]) -> str:
    name = entity.get("name") or entity.get("@iot.id") or ""
    return name if isinstance(name, str) else str(name)


def _symbol(unit: dict[str, Any]) -> str | None:
    symbol = unit.get("symbol")
    return symbol if isinstance(symbol, str) else None


def _observation(observation: dict[str, Any], stream: _Stream, source: Source) -> Draft | PoisonMessageError:
    metric = _metric(stream, source)
    if metric is None:
        message = (
            "datastream is not told: expand Datastream with Thing and ObservedProperty, or name Datastreams(<id>) in"
            " the source's unit map, or `metric` in its options"
        )
        return PoisonMessageError(Reason.BAD_SHAPE, message, field="Datastream")
    feature = observation.get("FeatureOfInterest")
    try:
        place = point_of(feature.get("feature") if isinstance(feature, dict) else None) or point_of(stream.place)
    except PoisonMessageError as error:
        return error
    return Draft(
        kind="observation",
        at=_time(observation),
        fields={
            "device": stream.device or (f"Datastreams({stream.id})" if stream.id else source.id),
            "metric": metric,
            "value": observation["result"],
            "unit": stream.unit,
        },
        lon=None if place is None else place[0],
        lat=None if place is None else place[1],
    )


def _metric(stream: _Stream, source: Source) -> str | None:
    key = f"Datastreams({stream.id})"
    if stream.id and key in source.units:
        return key
    if stream.metric:
        return stream.metric if stream.metric in source.units else metric_of(stream.metric)
    return source.options.get("metric")


def _time(observation: dict[str, Any]) -> Any:
    """When it was observed (the end of an interval), else when the result was there."""
    at = observation.get("phenomenonTime") or observation.get("resultTime")
    return at.rpartition("/")[2] if isinstance(at, str) else at if at is None else str(at)


def _data_array(group: dict[str, Any], stream: _Stream, source: Source) -> Drafts:
    names, rows = group.get("components"), group["dataArray"]
    link = group.get("Datastream@iot.navigationLink")
    found = _DATASTREAM_URL.search(link) if isinstance(link, str) else None
    stream = replace(stream, id=found[1]) if found else stream
    if not isinstance(names, list) or not isinstance(rows, list):
        yield PoisonMessageError(Reason.BAD_SHAPE, "a data array has `components` and `dataArray`", field="dataArray")
        return
    for row in rows:
        if not isinstance(row, list) or len(row) != len(names) or "result" not in names:
            yield PoisonMessageError(Reason.BAD_SHAPE, "a row has one value for each component", field="dataArray")
        else:
            yield _observation(dict(zip(map(str, names), row, strict=True)), stream, source)


def _batch(requests: list[Any], source: Source) -> Drafts:
    """Give the observations of a batch; entities made earlier in it are found by their `$id`."""
    made = {
        f"${request['id']}": request["body"]
        for request in requests
        if isinstance(request, dict) and isinstance(request.get("id"), str) and isinstance(request.get("body"), dict)
    }
    for request in requests:
        body = request.get("body") if isinstance(request, dict) else None
        url = request.get("url") if isinstance(request, dict) else None
        if not isinstance(body, dict) or not isinstance(url, str):
            yield PoisonMessageError(Reason.BAD_SHAPE, "a request has `url` and `body`", field="requests")
            continue
        found = _DATASTREAM_URL.search(url)
        stream = _Stream(id=found[1] if found else "")
        if found and found[1] in made:
            stream = _of_datastream(_joined(made[found[1]], made), stream)
        yield from _any(_joined(body, made), stream, source)


def _joined(body: dict[str, Any], made: dict[str, Any], depth: int = 3) -> dict[str, Any]:
    """Put entities of the same batch in the place of references to them (Datastream, Thing, Location: three steps)."""
    joined = dict(body)
    for name in ("Datastream", "Thing", "ObservedProperty"):
        joined[name] = _resolved(body.get(name), made, depth)
    locations = body.get("Locations")
    if isinstance(locations, list):
        joined["Locations"] = [_resolved(one, made, depth) for one in locations]
    return {name: value for name, value in joined.items() if value is not None}


def _resolved(reference: Any, made: dict[str, Any], depth: int) -> Any:
    key = reference.get("@iot.id") if isinstance(reference, dict) else None
    found = made.get(key) if isinstance(key, str) else None
    return _joined(found, made, depth - 1) if found is not None and depth > 0 else reference
