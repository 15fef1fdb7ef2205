"""`canh worker`: runs the hops of the pipeline, all of them or a few, until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
from typing import Annotated

import uvloop
from cyclopts import Parameter

from deploy.bootstrap import configure_logs, hops_named, lanes_named
from deploy.commands.terminal import settings_here
from deploy.garbage import collect_seldom
from deploy.local.home import choose_port
from deploy.worker import Worker, end_soon


def worker(
    *,
    only: Annotated[list[str] | None, Parameter(negative=())] = None,
    lane: str | None = None,
) -> int:
    """Process events.

    Parameters
    ----------
    only
        Run only this hop; may be repeated (normalize, store, evaluate, correlate, relay). `relay` stands for all that
        one worker is enough for: also forgetting old observations, and trimming the embedded broker.
    lane
        Run only this lane (bulk, priority).
    """
    settings = settings_here()
    configure_logs(settings)
    hops, chosen = hops_named(only or []), lanes_named(lane)
    if settings.metrics_port:
        choose_port(settings.metrics_port, "health of the worker", "CANH_METRICS_PORT")
    collect_seldom()

    async def go() -> int:
        running = Worker(settings, only=hops, lane=chosen)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, running.stop)
        try:
            return await running.run()
        finally:
            end_soon()

    return uvloop.run(go())
