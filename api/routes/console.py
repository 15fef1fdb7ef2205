"""The console's built files, and the API's own description."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Request
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles

from api import respond
from api.problem import NOT_FOUND, ProblemError
from api.security.guard import Principal, Require

router = APIRouter()
Anyone = Annotated[Principal, Depends(Require(None))]


@router.get("/v1/openapi.json", response_class=Response, include_in_schema=False)
async def description(request: Request, who: Anyone) -> Response:
    """Give the OpenAPI description."""
    del who
    return respond.json(request.app.openapi())


def add_console(app: FastAPI, static_dir: Path | None) -> None:
    """Serve the built console at / and /console; without one, / says how to get it."""
    app.include_router(router)
    index = static_dir / "index.html" if static_dir else None

    @app.get("/", response_class=Response, include_in_schema=False)
    async def page() -> Response:
        if index is None or not index.is_file():
            raise ProblemError(NOT_FOUND, "the console has not been built", fix="the API is under /v1")
        return FileResponse(index, headers={"Cache-Control": "no-cache"})

    if static_dir is not None and static_dir.is_dir():
        app.mount("/console", StaticFiles(directory=static_dir), name="console")
