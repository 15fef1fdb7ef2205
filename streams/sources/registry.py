"""Lists the wire formats that Canh reads: a new format is one file, one line here and one test."""

from __future__ import annotations

from schemas.errors import UsageError
from streams.sources.abstract import Adapter
from streams.sources.cloudevents import CloudEvents
from streams.sources.frigate import Frigate
from streams.sources.hikvision import Hikvision
from streams.sources.native import Native
from streams.sources.ngsi import Ngsi
from streams.sources.onvif import Onvif
from streams.sources.senml import SenML
from streams.sources.sensorthings import SensorThings


def adapter(name: str) -> Adapter:
    """Give the adapter of a format; raises UsageError that lists the known ones."""
    found = ADAPTERS.get(name)
    if found is None:
        raise UsageError(f"format {name!r} is not known; known formats: {', '.join(sorted(ADAPTERS))}")
    return found


def inner_adapter(name: str) -> Adapter:
    """Give the adapter of data inside a CloudEvent: any but CloudEvents itself."""
    if name == CloudEvents.format:
        raise UsageError("a CloudEvent inside a CloudEvent is not read: name another data_format")
    return adapter(name)


ADAPTERS: dict[str, Adapter] = {
    each.format: each
    for each in (
        Native(),
        CloudEvents(inner_adapter),
        SenML(),
        SensorThings(),
        Ngsi(),
        Frigate(),
        Onvif(),
        Hikvision(),
    )
}
