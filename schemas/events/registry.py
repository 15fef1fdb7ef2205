"""The things that are registered rather than observed: sources, devices, zones, units, agencies."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from schemas.events.base import Lane, Record


class Source(Record, frozen=True):
    """One registered feed.

    `kind` is what it is (sensor, camera, report, alert, case, or position, unit, vehicle of what moves), `format` the
    adapter's name (streams/sources), `agency` the owner, `key` the field that names the device in the sender's payload
    when the adapter leaves a choice, `cadence_s` the expected seconds between two events of a device (None: irregular).
    `units` maps the sender's metric name to [our metric, the sender's UCUM unit]. `lon`, `lat` is the default place.
    `srid` is the EPSG code of its positions (4326, or VN-2000: 9218, 3405, 3406).
    """

    id: str
    kind: str
    format: str
    lane: Lane = Lane.BULK
    title: str = ""
    agency: str = ""
    key: str = ""
    cadence_s: float | None = None
    units: dict[str, tuple[str, str]] = {}
    lon: float | None = None
    lat: float | None = None
    srid: int = 4326
    options: dict[str, str] = {}
    enabled: bool = True


class SourceHealth(Record, frozen=True):
    """How fresh a source is: counts and the newest times seen, None where nothing came yet."""

    source: Source
    last_observed_at: datetime | None
    last_received_at: datetime | None
    accepted: int
    refused: int


class Device(Record, frozen=True):
    """A sensor or camera with its usual place; filled by the first event that carries one, or by hand."""

    id: str
    source: str
    kind: str = ""
    title: str = ""
    lon: float | None = None
    lat: float | None = None
    commune: str | None = None
    metrics: tuple[str, ...] = ()
    last_observed_at: datetime | None = None
    last_values: dict[str, float] = {}


class Zone(Record, frozen=True):
    """An area with a name.

    `id` is "<kind>:<code>", `geometry` a GeoJSON Polygon or MultiPolygon (lon, lat, WGS 84). It holds from
    `valid_from` (inclusive) to `valid_to` (exclusive, None: still valid). `approximate` marks shapes that are not
    official; `version` rises when the shape changes.
    """

    id: str
    kind: str
    code: str
    name: str
    geometry: dict[str, Any]
    valid_from: date
    valid_to: date | None = None
    parent: str | None = None
    approximate: bool = False
    version: int = 1


class Agency(Record, frozen=True):
    """A body that answers for kinds of incidents in communes; empty tuples mean all."""

    id: str
    name: str
    kind: str
    communes: tuple[str, ...] = ()
    competence: tuple[str, ...] = ()
    valid_from: date | None = None
    valid_to: date | None = None


class Unit(Record, frozen=True):
    """A field team or vehicle; `home_zone` is the area it must stay in."""

    id: str
    name: str
    kind: str
    agency: str
    home_zone: str | None = None
    lon: float | None = None
    lat: float | None = None
    position_at: datetime | None = None
