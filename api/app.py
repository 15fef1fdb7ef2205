"""Builds the FastAPI app from its parts; deploy gives the parts, there are no globals."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from api.config import ApiConfig
from api.context import Clock, Context, Thresholds, no_thresholds
from api.feed.broadcaster import Broadcaster
from api.ingest.check import IngestCheck
from api.meters import Meters, RequestMeter
from api.openapi import describe
from api.problem import add_handlers
from api.registry import Registry
from api.routes import console, health, incidents, ingest, metrics, observations, orders, registry, session, zones
from api.security.headers import SecurityHeaders
from api.security.origin import CSRF_HEADER, OriginCheck
from api.security.passwords import Passwords
from api.security.ratelimit import RateLimits
from schemas.bus.abstract import Publisher
from schemas.store.abstract import Store

#: Version of the HTTP contract (the `v1` of its paths).
VERSION = "1.0"


def create_app(
    *,
    store: Store,
    publisher: Publisher,
    check: IngestCheck,
    clock: Clock,
    config: ApiConfig,
    thresholds: Thresholds = no_thresholds,
) -> FastAPI:
    """Give the app. Store and publisher are opened and closed by the caller; `check` are the edge rules."""
    app = FastAPI(
        title="Canh",
        version=VERSION,
        description="Incidents of a smart operations center: live feed, orders, charts, and the way in for events.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=_lifespan,
    )
    broadcaster = Broadcaster(store, config.feed)
    app.state.context = Context(
        store=store,
        publisher=publisher,
        check=check,
        thresholds=thresholds,
        clock=clock,
        config=config,
        registry=Registry(store, config.registry_ttl_s),
        broadcaster=broadcaster,
        passwords=Passwords(config.password_cost),
        rates=RateLimits(config.limits),
        meters=Meters(broadcaster),
    )
    add_handlers(app)
    _add_layers(app, config)
    for noun in (session, incidents, orders, observations, zones, registry, ingest, health, metrics):
        app.include_router(noun.router)
    console.add_console(app, config.static_dir)
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]  # FastAPI's documented way to extend it
    return app


def _add_layers(app: FastAPI, config: ApiConfig) -> None:
    # The one that is added last is the outermost.
    app.add_middleware(OriginCheck, origins=config.origins, secure=config.cookie_secure)
    if config.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(config.origins),
            allow_credentials=True,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["content-type", "last-event-id", CSRF_HEADER],
        )
    app.add_middleware(RequestMeter, meters=app.state.context.meters)
    app.add_middleware(SecurityHeaders, secure=config.cookie_secure)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    context: Context = app.state.context
    await context.passwords.start()
    await context.broadcaster.start()
    try:
        yield
    finally:
        await context.broadcaster.stop()
        context.passwords.stop()
