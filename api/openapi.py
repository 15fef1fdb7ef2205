"""Completes the OpenAPI description with the records that msgspec encodes, and with the ways to log in."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api import shapes
from api.ingest.door import IngestResult

_TYPES = (
    shapes.Login,
    shapes.OrderBody,
    shapes.Me,
    shapes.IncidentList,
    shapes.IncidentDetail,
    shapes.OpenCounts,
    shapes.OrderDone,
    shapes.DeviceList,
    shapes.Series,
    shapes.SourceList,
    shapes.AgencyList,
    shapes.UnitList,
    shapes.MetricList,
    shapes.KindList,
    shapes.HealthBody,
    shapes.ProblemBody,
    shapes.ConflictBody,
    shapes.NothingTakenBody,
    IngestResult,
)
_SECURITY = {
    "session": {"type": "apiKey", "in": "cookie", "name": "canh_session"},
    "key": {"type": "http", "scheme": "bearer", "description": "API key: <key_id>.<secret>"},
}
#: Where no login is asked for.
_OPEN = (("/health/", ""), ("/v1/session", "post"))


def describe(app: FastAPI) -> dict[str, Any]:
    """Give the whole description of an app."""
    if app.openapi_schema:
        return app.openapi_schema
    whole = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    parts = whole.setdefault("components", {})
    _, records = msgspec.json.schema_components(_TYPES, ref_template="#/components/schemas/{name}")
    parts["schemas"] = {**parts.get("schemas", {}), **records}
    parts["securitySchemes"] = _SECURITY
    for path, methods in whole["paths"].items():
        for method, operation in methods.items():
            if not any(path.startswith(begin) and method.startswith(verb) for begin, verb in _OPEN):
                operation["security"] = [{name: []} for name in _SECURITY]
    app.openapi_schema = whole
    return whole
