"""Reads zones from a GeoJSON document and writes them for a map, simplified without gaps between neighbours."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import Any

import numpy as np
import shapely

from geo.shapes import shape_of
from schemas.errors import UsageError
from schemas.events import Zone

#: Decimals of written degrees, about 1 m: finer is noise on a map and weight in a file.
_DECIMALS = 5
#: Longest code or name; anything longer is the wrong field.
_LONGEST = 200
#: What a kind of zones may be called.
_KIND = re.compile(r"\w[\w-]{0,49}")


def zones_from_geojson(
    document: object,
    *,
    kind: str,
    valid_from: date,
    code_field: str,
    name_field: str,
    approximate: bool = False,
    valid_to: date | None = None,
) -> list[Zone]:
    """Give the zones of a FeatureCollection (RFC 7946: lon, lat, WGS 84), one for each feature, in its order.

    `code_field` and `name_field` are properties of each feature; numbers are taken as codes too. Shapes are checked,
    and kept repaired when they were not valid. Raises UsageError with the index of the feature, the field, and what
    is wrong with it; also for a code that comes twice, for a `crs` member that is not WGS 84, and for a `kind` that
    would not make an id (`KIND:CODE`).
    """
    if not _KIND.fullmatch(kind):
        raise UsageError(f"the kind {kind!r} is no word: letters, digits, '-' and '_', such as commune")
    if valid_to is not None and valid_to <= valid_from:
        raise UsageError(f"valid_to {valid_to} is not after valid_from {valid_from}")
    zones: dict[str, Zone] = {}
    for number, feature in enumerate(_features(document)):
        code = _property(feature, code_field, number)
        zone = Zone(
            id=f"{kind}:{code}",
            kind=kind,
            code=code,
            name=_property(feature, name_field, number),
            geometry=_geometry(feature, number),
            valid_from=valid_from,
            valid_to=valid_to,
            approximate=approximate,
        )
        if zones.setdefault(zone.id, zone) is not zone:
            raise UsageError(f"feature {number}, field {code_field!r}: the code {code!r} came before")
    return list(zones.values())


def to_geojson(zones: Sequence[Zone], tolerance_deg: float = 0.0) -> dict[str, Any]:
    """Give a FeatureCollection with properties id, kind, code, name, approximate, version.

    With a tolerance (degrees) shapes lose detail: zones of a kind that form a coverage (no overlaps, shared edges
    equal) are simplified together and stay without gaps, others each by itself. Coordinates are rounded to 1e-5.
    """
    features = []
    for _, group in groupby(sorted(zones, key=lambda zone: (zone.kind, zone.code)), key=lambda zone: zone.kind):
        members = list(group)
        shapes = np.array([shape_of(zone.geometry).polygon for zone in members], dtype=object)
        features += [
            {"type": "Feature", "id": zone.id, "properties": _properties(zone), "geometry": _written(shape)}
            for zone, shape in zip(members, _simplified(shapes, tolerance_deg), strict=True)
        ]
    return {"type": "FeatureCollection", "features": features}


def _features(document: object) -> Sequence[Any]:  # whatever the file has
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(document, dict) or document.get("type") != "FeatureCollection" or not isinstance(features, list):
        raise UsageError("the file is no GeoJSON FeatureCollection")
    if not features:
        raise UsageError("the FeatureCollection has no features")
    crs = json.dumps(document.get("crs") or "CRS84")
    if not any(name in crs for name in ("CRS84", "4326")):
        raise UsageError(f"the file's crs is {crs}: give positions as lon, lat of WGS 84 (RFC 7946)")
    return features


def _property(feature: Any, field: str, number: int) -> str:  # whatever the file has
    properties = feature.get("properties") if isinstance(feature, dict) else None
    value = properties.get(field) if isinstance(properties, dict) else None
    if isinstance(value, bool) or not isinstance(value, str | int) or not str(value).strip():
        has = ", ".join(sorted(properties)) if isinstance(properties, dict) else "none"
        raise UsageError(f"feature {number}, field {field!r}: no text there; its properties are: {has}")
    text = unicodedata.normalize("NFC", str(value)).strip()
    if len(text) > _LONGEST:
        raise UsageError(f"feature {number}, field {field!r}: longer than {_LONGEST} characters")
    return text


def _geometry(feature: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Give the geometry as it stands when it is sound, else repaired."""
    geometry = feature.get("geometry")
    if not isinstance(geometry, dict):
        raise UsageError(f"feature {number}, field 'geometry': missing")
    try:
        return _document(shape_of(geometry).polygon)
    except UsageError as error:
        raise UsageError(f"feature {number}, field 'geometry': {error}") from error


def _document(shape: Any) -> dict[str, Any]:  # shapely has no types in this release
    document: dict[str, Any] = json.loads(shapely.to_geojson(shape))
    return document


def _simplified(shapes: Any, tolerance_deg: float) -> Any:  # shapely has no types in this release
    if tolerance_deg <= 0:
        return shapes
    if shapely.coverage_is_valid(shapes):
        return shapely.coverage_simplify(shapes, tolerance_deg)
    return shapely.simplify(shapes, tolerance_deg, preserve_topology=True)


def _written(shape: Any) -> dict[str, Any]:  # shapely has no types in this release
    """Give rounded GeoJSON; rounding moves points only, so neighbours keep equal edges."""
    rounded = shapely.transform(shape, lambda points: np.round(points, _DECIMALS))
    return _document(rounded)


def _properties(zone: Zone) -> dict[str, Any]:
    return {
        "id": zone.id,
        "kind": zone.kind,
        "code": zone.code,
        "name": zone.name,
        "approximate": zone.approximate,
        "version": zone.version,
    }
