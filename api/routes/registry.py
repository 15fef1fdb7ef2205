"""What is registered: sources with their freshness, agencies, units, metrics, kinds of incidents."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Depends
from starlette.responses import Response

from api import respond
from api.context import Ctx
from api.registry import HERE
from api.security.guard import Principal, Require
from api.security.roles import Permission
from api.security.scope import sees_source, sees_unit
from api.shapes import (
    AgencyList,
    KindItem,
    KindList,
    MetricItem,
    MetricList,
    SourceItem,
    SourceList,
    UnitList,
)
from api.territory import communes_of
from schemas.events import SourceHealth
from schemas.metrics import METRICS
from streams.incidents.taxonomy import KINDS

router = APIRouter(prefix="/v1", tags=["registry"])
Reader = Annotated[Principal, Depends(Require(Permission.READ))]

State = Literal["fresh", "late", "silent", "never"]
#: A source is late after two missed events and silent after five.
LATE_CADENCES, SILENT_CADENCES = 2, 5
#: A source without a cadence is called late, never silent, after a day: nobody said when it must speak.
IRREGULAR_S = 86_400.0


@router.get("/sources", responses=respond.described(SourceList), response_class=Response)
async def sources(context: Ctx, reader: Reader) -> Response:
    """Give sources with freshness; their options only to engineers (they may hold addresses and names)."""
    now = context.clock()
    health = [one for one in await context.store.source_health() if sees_source(reader.scope, one.source)]
    bare = not reader.may(Permission.SOURCES)
    return respond.json(SourceList(items=[_item(one, now, bare=bare) for one in health], as_of=now))


@router.get("/agencies", responses=respond.described(AgencyList), response_class=Response)
async def agencies(context: Ctx, reader: Reader) -> Response:
    """Give all agencies: an incident can be handed to any of them."""
    del reader
    return respond.json(AgencyList(items=await context.store.agencies()))


@router.get("/units", responses=respond.described(UnitList), response_class=Response)
async def units(context: Ctx, reader: Reader) -> Response:
    """Give the reader's units with their newest positions."""
    now = context.clock()
    found = await context.store.units()
    places: Mapping[str, frozenset[str]] = {}
    if reader.scope.communes is not None:
        places = communes_of(found, await context.registry.zones(now.astimezone(HERE).date()))
    seen = [unit for unit in found if sees_unit(reader.scope, unit, places.get(unit.id, ()))]
    return respond.json(UnitList(items=seen, as_of=now))


@router.get("/metrics", responses=respond.described(MetricList), response_class=Response)
async def metrics(reader: Reader) -> Response:
    """Give the metrics that Canh knows."""
    del reader
    return respond.json(
        MetricList(
            items=[MetricItem(id=m.id, unit=m.unit, low=m.low, high=m.high, vi=m.vi, en=m.en) for m in METRICS.values()]
        )
    )


@router.get("/kinds", responses=respond.described(KindList), response_class=Response)
async def kinds(reader: Reader) -> Response:
    """Give the taxonomy of incidents."""
    del reader
    return respond.json(KindList(items=[KindItem(id=k.id, vi=k.vi, en=k.en, icon=k.icon) for k in KINDS.values()]))


def state_of(health: SourceHealth, now: datetime) -> State:
    """Give how fresh a source is, by the older of what it observed and what we received (a replay is not fresh)."""
    if health.last_received_at is None:
        return "never"
    newest = min(health.last_received_at, health.last_observed_at or health.last_received_at)
    age_s = (now - newest).total_seconds()
    cadence_s = health.source.cadence_s
    if cadence_s is None:
        return "fresh" if age_s <= IRREGULAR_S else "late"
    if age_s <= LATE_CADENCES * cadence_s:
        return "fresh"
    return "late" if age_s <= SILENT_CADENCES * cadence_s else "silent"


def _item(health: SourceHealth, now: datetime, *, bare: bool) -> SourceItem:
    source = msgspec.structs.replace(health.source, options={}) if bare else health.source
    return SourceItem(
        source=source,
        last_observed_at=health.last_observed_at,
        last_received_at=health.last_received_at,
        accepted=health.accepted,
        refused=health.refused,
        state=state_of(health, now),
    )
