"""Everything that the routes share, made once by create_app: there are no globals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, cast

import msgspec
from fastapi import Depends
from starlette.requests import HTTPConnection

from api.config import ApiConfig
from api.feed.broadcaster import Broadcaster
from api.ingest.check import IngestCheck
from api.meters import Meters
from api.registry import Registry
from api.security.passwords import Passwords
from api.security.ratelimit import RateLimits
from schemas.bus.abstract import Publisher
from schemas.events import Text
from schemas.store.abstract import Store

#: Gives the time now, aware UTC; injected so that tests own it.
Clock = Callable[[], datetime]


class Threshold(msgspec.Struct, frozen=True):
    """A line on a device's chart: from this value on, a rule gives this severity (1 to 5)."""

    value: float
    label: Text
    severity: int


#: Gives the thresholds of a device's metric (device id, metric id), lowest first; deploy fills it from the rules.
Thresholds = Callable[[str, str], Sequence[Threshold]]


def no_thresholds(device: str, metric: str) -> Sequence[Threshold]:
    """Give none: no rules are loaded."""
    del device, metric
    return ()


@dataclass(frozen=True, slots=True)
class Context:
    """The API's parts; `zone_bodies` keeps the newest answers of the zones route."""

    store: Store
    publisher: Publisher
    check: IngestCheck
    thresholds: Thresholds
    clock: Clock
    config: ApiConfig
    registry: Registry
    broadcaster: Broadcaster
    passwords: Passwords
    rates: RateLimits
    meters: Meters
    zone_bodies: dict[str, bytes] = field(default_factory=dict)


async def context_of(connection: HTTPConnection) -> Context:
    """Give the context of the app that serves a request."""
    return cast("Context", connection.app.state.context)


Ctx = Annotated[Context, Depends(context_of)]
