"""The API's own Prometheus metrics, in a registry of its own (no globals)."""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.feed.broadcaster import Broadcaster


class Meters:
    """Counters and gauges of one process."""

    def __init__(self, broadcaster: Broadcaster) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "canh_api_requests", "Requests answered", ("method", "route", "status"), registry=self.registry
        )
        self.duration = Histogram(
            "canh_api_request_seconds", "Time to the start of an answer", ("route",), registry=self.registry
        )
        self.ingested = Counter(
            "canh_api_ingest_events", "Events at the door", ("source", "outcome"), registry=self.registry
        )
        self._gauge("canh_feed_clients", "Open feeds", lambda: broadcaster.clients)
        self._gauge("canh_feed_position", "Newest feed id given out", lambda: broadcaster.position)
        self._gauge("canh_feed_cut_total", "Feeds cut because their reader was too slow", lambda: broadcaster.cut)
        self._gauge("canh_feed_lag_seconds", "Age of the feed's last look at the store", lambda: broadcaster.lag_s or 0)

    def text(self) -> bytes:
        """Give the exposition text."""
        return generate_latest(self.registry)

    def _gauge(self, name: str, meaning: str, value: object) -> None:
        Gauge(name, meaning, registry=self.registry).set_function(value)  # type: ignore[arg-type]  # lambdas of numbers


class RequestMeter:
    """ASGI layer: counts answers by the route's template (never by the path: ids would be endless labels)."""

    def __init__(self, app: ASGIApp, *, meters: Meters) -> None:
        self._app = app
        self._meters = meters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and note status and time."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = _template(scope)
                self._meters.requests.labels(scope["method"], route, message["status"]).inc()
                self._meters.duration.labels(route).observe(time.perf_counter() - began)
            await send(message)

        await self._app(scope, receive, noted)


def _template(scope: Scope) -> str:
    route = scope.get("route")
    return str(getattr(route, "path_format", None) or getattr(route, "path", None) or "none")
