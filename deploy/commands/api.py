"""`canh api`: serves the HTTP API, the live feed and the console."""

from __future__ import annotations

import uvloop

from api.server import serve
from deploy.bootstrap import configure_logs
from deploy.commands.terminal import remarks, settings_here
from deploy.garbage import collect_seldom
from deploy.local.home import choose_port
from deploy.patience import patiently
from deploy.web import make_api
from schemas.errors import BackpressureError


def api() -> None:
    """Serve the API and the console; waits while broker or database are away."""
    settings = settings_here()
    configure_logs(settings)
    if settings.api_port:
        choose_port(settings.api_port, "API and console", "CANH_API_PORT", settings.api_host)
    collect_seldom()

    async def go() -> None:
        store, publisher, app = make_api(settings)
        await patiently(store.open, _tell)
        await patiently(publisher.start, _tell)
        try:
            await serve(app, settings.api_host, settings.api_port, trusted_proxies=settings.trusted_proxies)
        finally:
            await publisher.stop()
            await store.close()

    uvloop.run(go())


def _tell(error: BackpressureError) -> None:
    remarks.print(f"waiting: {error}", markup=False)
