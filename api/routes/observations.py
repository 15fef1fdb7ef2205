"""Devices and their charts: measured or rolled up, with gaps shown as gaps (G10)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal, NamedTuple

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from api import respond
from api.charts import POINTS_MAX, STEPS, choose_step, gaps, millis, points_of
from api.context import Context, Ctx
from api.problem import INVALID, NOT_FOUND, ProblemError
from api.routes.filters import BoxFilter, Moment
from api.security.guard import Principal, Require
from api.security.roles import Permission
from api.security.scope import sees_device
from api.shapes import DeviceList, Series
from schemas.events import Device, Text
from schemas.metrics import METRICS

router = APIRouter(prefix="/v1/devices", tags=["observations"])
Reader = Annotated[Principal, Depends(Require(Permission.READ))]

#: What a chart shows when no time is given.
DEFAULT_SPAN = timedelta(hours=24)
_NO_DEVICE = Text(vi="Không có thiết bị này, hoặc không thuộc phạm vi của bạn.", en="No such device for you.")


class DeviceFilter(BoxFilter):
    """The list of devices."""

    source: str | None = Field(None, max_length=200)

    def takes(self, device: Device) -> bool:
        """Say whether a device passes; one without a place is in no box."""
        if self.source is not None and device.source != self.source:
            return False
        if self.bbox is None:
            return True
        if device.lon is None or device.lat is None:
            return False
        west, south, east, north = self.bbox
        return bool(west <= device.lon <= east and south <= device.lat <= north)


class ChartFilter(BaseModel):
    """One chart: [from, to), by default the last 24 hours."""

    model_config = ConfigDict(extra="forbid")

    metric: str | None = Field(None, max_length=100, description="Default: the device's first metric.")
    from_: Moment | None = Field(None, alias="from")
    to: Moment | None = None
    step: Literal["auto", "raw", "1m", "1h", "1d"] = "auto"


class Window(NamedTuple):
    """What of a chart is asked: metric, time, step in seconds."""

    metric: str
    start: datetime
    end: datetime
    step_s: int


@router.get("", responses=respond.described(DeviceList), response_class=Response)
async def devices(context: Ctx, reader: Reader, wanted: Annotated[DeviceFilter, Query()]) -> Response:
    """Give devices with their newest values."""
    sources = await context.registry.sources()
    seen = [
        device
        for device in await context.store.devices()
        if wanted.takes(device) and sees_device(reader.scope, device, sources.get(device.source))
    ]
    return respond.json(DeviceList(items=seen, as_of=context.clock()))


@router.get("/{device_id:path}/observations", responses=respond.described(Series, 404), response_class=Response)
async def observations(
    device_id: str, context: Ctx, reader: Reader, wanted: Annotated[ChartFilter, Query()]
) -> Response:
    """Give a device's chart with gaps and the lines of the rules."""
    device, cadence_s = await _device(context, reader, device_id)
    now = context.clock()
    window = _window(wanted, device, cadence_s, now)
    points = await context.store.series(device.id, *window)
    until = min(window.end, now)
    known = METRICS.get(window.metric)
    chart = Series(
        device=device.id,
        metric=window.metric,
        unit=known.unit if known else "",
        step_s=window.step_s,
        points=[(millis(point.at), point.mean, point.minimum, point.maximum, point.count) for point in points],
        gaps=gaps(points, window.start, until, step_s=window.step_s, cadence_s=cadence_s),
        thresholds=list(context.thresholds(device.id, window.metric)),
        as_of=now,
    )
    return respond.json(chart)


async def _device(context: Context, reader: Principal, device_id: str) -> tuple[Device, float | None]:
    found = await context.store.devices([device_id])
    if not found:
        raise ProblemError(NOT_FOUND, _NO_DEVICE)
    source = (await context.registry.sources()).get(found[0].source)
    # Who answers for an incident sees what it stands on, whoever owns the sensor.
    seen = sees_device(reader.scope, found[0], source) or await context.store.is_evidence(device_id, reader.scope)
    if not seen:
        raise ProblemError(NOT_FOUND, _NO_DEVICE)
    return found[0], source.cadence_s if source else None


def _window(wanted: ChartFilter, device: Device, cadence_s: float | None, now: datetime) -> Window:
    metric = wanted.metric or next(iter(device.metrics), "")
    if not metric:
        raise ProblemError(INVALID, "the device has no metric yet", field="metric", fix="name one: metric=...")
    end = wanted.to or now
    start = wanted.from_ or end - DEFAULT_SPAN
    if start >= end:
        raise ProblemError(INVALID, "from must be before to", field="from", fix="swap from and to")
    span = end - start
    if wanted.step == "auto":
        return Window(metric, start, end, choose_step(span, cadence_s))
    step_s = STEPS[wanted.step]
    if points_of(span, step_s, cadence_s) > POINTS_MAX:
        fix = "use step=auto, or a shorter time"
        raise ProblemError(INVALID, f"that would be more than {POINTS_MAX} points", field="step", fix=fix)
    return Window(metric, start, end, step_s)
