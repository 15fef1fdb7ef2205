"""Zones as GeoJSON, simplified for the screen; the answer is kept until a zone changes."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from datetime import date
from typing import Annotated

import msgspec
import shapely
from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from shapely.geometry import mapping, shape
from starlette.responses import Response

from api.context import Context, Ctx
from api.registry import HERE
from api.security.guard import Principal, Require
from api.security.roles import Permission
from schemas.events import Zone

router = APIRouter(prefix="/v1", tags=["zones"])
Reader = Annotated[Principal, Depends(Require(Permission.READ))]

#: One degree would leave nothing of a commune.
SIMPLIFY_MAX_DEG = 0.1
#: Answers kept at once; a console asks for one or two.
KEPT_MAX = 8

_encoder = msgspec.json.Encoder(decimal_format="number")


class ZoneFilter(BaseModel):
    """Which zones, and how coarse (tolerance in degrees; 0: as they are)."""

    model_config = ConfigDict(extra="forbid")

    kind: str | None = Field(None, max_length=50, pattern=r"^[\w.:-]+$")
    simplify: float = Field(0.0, ge=0.0, le=SIMPLIFY_MAX_DEG, allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class _Wanted:
    kind: str | None
    simplify: float
    day: date
    version: int

    @property
    def etag(self) -> str:
        kind = hashlib.sha256((self.kind or "").encode()).hexdigest()[:16]  # a header takes no letters with accents
        return f'W/"{self.version}-{self.day:%Y%m%d}-{kind}-{self.simplify}"'


@router.get("/zones", response_class=Response, responses={200: {"content": {"application/geo+json": {}}}})
async def zones(request: Request, context: Ctx, reader: Reader, wanted: Annotated[ZoneFilter, Query()]) -> Response:
    """Give the zones that are valid today, as a FeatureCollection; zones are public, so no scope narrows them."""
    del reader
    today = context.clock().astimezone(HERE).date()
    asked = _Wanted(wanted.kind, wanted.simplify, today, await context.store.registry_version())
    headers = {"ETag": asked.etag, "Cache-Control": "private, no-cache"}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(await _body(context, asked), headers=headers, media_type="application/geo+json")


async def _body(context: Context, asked: _Wanted) -> bytes:
    kept = context.zone_bodies
    body = kept.get(asked.etag)
    if body is None:
        found = await context.store.zones(asked.kind, asked.day)
        body = await asyncio.to_thread(collection, found, asked.simplify)  # seconds of work for a country
        while len(kept) >= KEPT_MAX:
            del kept[next(iter(kept))]
        kept[asked.etag] = body
    return body


def collection(zones: list[Zone], simplify_deg: float) -> bytes:
    """Give the GeoJSON text of zones; shared edges of communes stay shared when they are simplified."""
    geometries = [zone.geometry for zone in zones]
    if simplify_deg > 0 and zones:
        shapes = shapely.coverage_simplify([shape(geometry) for geometry in geometries], simplify_deg)
        geometries = [mapping(simple) for simple in shapes]
    features = [_feature(zone, geometry) for zone, geometry in zip(zones, geometries, strict=True)]
    return _encoder.encode({"type": "FeatureCollection", "features": features})


def _feature(zone: Zone, geometry: dict[str, object]) -> dict[str, object]:
    properties = {
        "id": zone.id,
        "kind": zone.kind,
        "code": zone.code,
        "name": zone.name,
        "approximate": zone.approximate,
    }
    return {"type": "Feature", "id": zone.id, "geometry": geometry, "properties": properties}
