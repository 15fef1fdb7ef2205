"""Runs the hops as one process: waits for what is away, tells its health, ends loudly when it must."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from deploy.bootstrap import kafka_of, keep_of, make_atlas, make_lanes, make_publisher, make_store, now
from deploy.patience import patiently, sleep_until
from deploy.settings import Settings
from deploy.trimming import keep_trimmed
from schemas.events import Lane
from streams.app import LaneApp
from streams.pipeline import RELAY
from streams.poison import TooMuchPoisonError
from streams.relay import Relay

logger = logging.getLogger(__name__)

#: A loop that did nothing for so long hangs: the process ends and its supervisor starts a new one (P14).
HANG_S = 60.0
#: A worker that its groups have not let in by then ends (aiokafka gives up for good on some answers of a broker).
START_S = 120.0
#: The lanes' end takes FINISH_S of streams/app.py at most, if nothing is wrong; then the publisher's.
END_S, PUBLISHER_END_S = 30.0, 5.0
#: What a crash leaves behind has this long to end by itself.
LEFT_S = 10.0
DAY_S = 86_400.0
EXIT_HANG = 70
EXIT_CRASH = 1


class Worker:
    """One worker process' life."""

    def __init__(self, settings: Settings, *, only: frozenset[str] = frozenset(), lane: Lane | None = None) -> None:
        self._settings = settings
        self._only = only
        self._lane = lane
        self._stopping = asyncio.Event()
        self._store = make_store(settings, "worker", size=10)
        self._publisher = make_publisher(settings)
        self._atlas = make_atlas(settings, self._store)
        self._lanes: list[LaneApp] = []
        self._started = False

    def stop(self) -> None:
        """End politely: what is in flight is finished first."""
        self._stopping.set()

    async def run(self) -> int:
        """Work until stopped; give the exit code."""
        beat = _Watchdog()
        tasks = [asyncio.create_task(beat.run(), name="watchdog"), asyncio.create_task(self._serve(), name="health")]
        try:
            await self._patiently(self._store.open, "database")
            await self._patiently(self._publisher.start, "broker")
            await self._patiently(self._atlas.load, "registry")
            return await self._work(tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._end_publisher()
            await self._store.close()

    async def _work(self, tasks: list[asyncio.Task[None]]) -> int:
        self._lanes = make_lanes(
            self._settings, self._store, self._publisher, self._atlas, only=self._only, lane=self._lane
        )
        tasks.append(asyncio.create_task(self._atlas.follow(), name="atlas"))
        if not self._only or RELAY in self._only:
            tasks += self._chores()
        if self._stopping.is_set():
            return 0
        try:
            if not await self._start_lanes():
                return 0 if self._stopping.is_set() else EXIT_CRASH
            self._started = True
            tasks += [asyncio.create_task(app.tick(), name=f"tick-{app.name}") for app in self._lanes]
            return await self._watch(tasks)
        finally:
            await self._end_lanes()

    def _chores(self) -> list[asyncio.Task[None]]:
        """Begin what one worker of all is enough for; a worker that is told its hops by name does none of it."""
        chores = {"relay": Relay(self._store, self._publisher, now).run(), "retention": self._retain()}
        if self._settings.embedded_broker:
            chores["trimming"] = keep_trimmed(kafka_of(self._settings), self._store)
        return [asyncio.create_task(chore, name=name) for name, chore in chores.items()]

    async def _start_lanes(self) -> bool:
        """Start all; False when one cannot (the broker went away again), takes too long, or we are told to end."""
        starting = asyncio.gather(*(app.start() for app in self._lanes), return_exceptions=True)
        stopping = asyncio.create_task(self._stopping.wait())
        either: set[asyncio.Future[Any]] = {starting, stopping}
        await asyncio.wait(either, timeout=START_S, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not starting.done():
            logger.error(
                "worker.not_started: the groups let it in neither within %.0f s nor before it was ended", START_S
            )
            starting.cancel()
            return False
        ends = starting.result()
        failures = [end for end in ends if isinstance(end, BaseException)]
        for failure in failures:
            logger.error("worker.not_started: %r", failure, exc_info=failure)
        return not failures

    async def _end_lanes(self) -> None:
        """Stop all; a lane whose threads do not end would keep the process alive and useless (P19)."""
        try:
            async with asyncio.timeout(END_S):
                ends = await asyncio.gather(*(app.stop() for app in self._lanes), return_exceptions=True)
        except TimeoutError:
            logger.critical("worker.does_not_end within %.0f s: it is ended now; what was under way is redone", END_S)
            os._exit(EXIT_HANG)
        for end in ends:
            if isinstance(end, BaseException):
                logger.error("worker.ended_badly: %r", end, exc_info=end)

    async def _end_publisher(self) -> None:
        try:
            async with asyncio.timeout(PUBLISHER_END_S):
                await self._publisher.stop()
        except TimeoutError:
            logger.warning("worker.leaves: the broker did not take what was left to send; it will be sent again")

    async def _retain(self) -> None:
        """Forget once a day what is kept no longer (CANH_RETENTION_*)."""
        while True:
            await self._patiently(self._forget_old, "database")
            await asyncio.sleep(DAY_S)

    async def _forget_old(self) -> None:
        await self._store.retain(keep_of(self._settings))

    async def _watch(self, tasks: list[asyncio.Task[None]]) -> int:
        while not self._stopping.is_set():
            for app in self._lanes:
                if (reason := app.crashed()) is not None:
                    if isinstance(reason, TooMuchPoisonError):
                        raise reason
                    logger.error("worker.crashed: %r", reason, exc_info=reason)
                    return EXIT_CRASH
            for task in tasks:
                if task.done():
                    logger.error("worker.task_ended: %s: %r", task.get_name(), task.exception())
                    return EXIT_CRASH
            await sleep_until(self._stopping, 0.2)
        return 0

    async def _patiently(self, step: Callable[[], Awaitable[None]], what: str) -> None:
        await patiently(step, lambda error: logger.warning("worker.waits for the %s: %s", what, error), self._stopping)

    async def _problems(self) -> list[str]:
        """Say what keeps this worker from working, nothing when it is ready."""
        problems = [] if self._started else ["starting"]
        problems += [f"{app.name}: no partitions yet" for app in self._lanes if not (app.assigned() or app.left_out())]
        problems += [f"{hop}: {why}" for app in self._lanes for hop, why in app.problems().items()]
        return problems

    async def _serve(self) -> None:
        """Answer /health/live, /health/ready and /metrics on loopback when a port is set."""
        if self._settings.metrics_port == 0:
            await asyncio.Event().wait()
        app = Starlette(
            routes=[Route("/health/live", _live), Route("/health/ready", self._ready), Route("/metrics", _metrics)]
        )
        config = uvicorn.Config(
            app, host="127.0.0.1", port=self._settings.metrics_port, log_config=None, lifespan="off"
        )
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        try:
            await server._serve()  # noqa: SLF001 -- serve() would take our signal handlers away
        except SystemExit as error:  # uvicorn's own exit codes mean other things than ours
            raise OSError(f"health and metrics cannot be served on port {self._settings.metrics_port}") from error

    async def _ready(self, _request: Request) -> Response:
        problems = await self._problems()
        return PlainTextResponse("\n".join(problems) or "ready", status_code=503 if problems else 200)


def end_soon(within_s: float = LEFT_S) -> None:
    """See to it that this process ends: its supervisor waits for that before it starts the next one.

    What a crash leaves of Faust may last for ever: a task that does not let itself be cancelled, a thread that nobody
    stops (P19).
    """
    threading.Thread(target=_end_after, args=(within_s,), name="end", daemon=True).start()


def _end_after(seconds: float) -> None:
    time.sleep(seconds)
    logger.critical("worker.does_not_end within %.0f s of its work: it is ended now; nothing was under way", seconds)
    os._exit(EXIT_HANG)


class _Watchdog:
    """Ends the process when the event loop hangs: a thread watches a heartbeat that only a live loop gives."""

    def __init__(self) -> None:
        self._beat = time.monotonic()
        self._ended = threading.Event()

    async def run(self) -> None:
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()
        try:
            while True:
                self._beat = time.monotonic()
                await asyncio.sleep(1.0)
        finally:
            self._ended.set()  # a process may outlive its worker

    def _watch(self) -> None:
        while not self._ended.wait(5.0):
            if time.monotonic() - self._beat > HANG_S:
                logger.critical("worker.hangs: the event loop stood still for %.0f s", HANG_S)
                os._exit(EXIT_HANG)


async def _live(_request: Request) -> Response:
    return PlainTextResponse("live")


async def _metrics(_request: Request) -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
