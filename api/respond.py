"""Encodes responses with msgspec (not pydantic) and describes the same types to OpenAPI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from api.problem import MEDIA_TYPE

_encoder = msgspec.json.Encoder()


def json(body: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Give a JSON response of records, dicts and lists; times become RFC 3339 with offset."""
    return Response(_encoder.encode(body), status_code=status, headers=headers, media_type="application/json")


def described(body: type | None, *problems: int, status: int = 200, meaning: str = "") -> dict[int | str, Any]:
    """Give the `responses` of a route for OpenAPI: the body's type at `status`, and the problems it may answer."""
    good: dict[str, Any] = {"description": meaning or (body.__doc__ if body else "") or "Done."}
    if body is not None:
        good["content"] = {"application/json": {"schema": {"$ref": f"#/components/schemas/{body.__name__}"}}}
    problem = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemBody"}}}
    answers: dict[int | str, Any] = {status: good}
    for code in sorted({401, 422, 429, 503, *problems}):
        answers[code] = {"description": "Problem (RFC 9457).", "content": problem}
    return answers
