"""`canh up`: starts everything, waits until it is ready, keeps it running, stops all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

from deploy.commands.terminal import remarks, results
from deploy.local.home import Home
from deploy.local.plan import Phase
from deploy.local.supervisor import Change, Supervisor
from deploy.settings import Settings
from deploy.stack import Stack, api_url, build

#: The work on top gets so long to leave before the services under it end.
WORK_END_S = 10.0

#: What is done once everything is ready: gets the settings in force and what tells that we are stopping.
Work = Callable[[Settings, asyncio.Event], Awaitable[None]]


def up() -> None:
    """Start broker, database, workers, and API; stop all with Ctrl-C.

    CANH_KAFKA and CANH_DATABASE_URL name servers to use instead of the embedded ones.
    """
    run(Settings.load())


def run(settings: Settings, work: Work | None = None) -> None:
    """Run the stack in the foreground, with some work on top of it."""
    with Home(settings.home) as home:
        asyncio.run(_run(build(settings, home), home, work))


async def _run(stack: Stack, home: Home, work: Work | None) -> None:
    started = monotonic()
    supervisor = Supervisor(stack.services, home, on_change=_tell)
    stopping = asyncio.Event()
    tasks: set[asyncio.Task[None]] = set()

    def ready() -> None:
        home.publish(stack.addresses())
        _announce(stack, monotonic() - started)
        if work is not None:
            task = asyncio.create_task(_guarded(work, stack.settings(), stopping, supervisor))
            tasks.add(task)

    async def leave() -> None:
        stopping.set()
        if tasks:
            await asyncio.wait(tasks, timeout=WORK_END_S)

    try:
        await supervisor.run(on_ready=ready, before_end=leave)
    finally:
        await asyncio.gather(*tasks)
    remarks.print("Stopped.")


async def _guarded(work: Work, settings: Settings, stopping: asyncio.Event, supervisor: Supervisor) -> None:
    """Do the work; when it fails, or is over and wants an end, stop the rest too."""
    try:
        await work(settings, stopping)
    except BaseException:
        supervisor.ask_to_stop()
        raise


def _tell(change: Change) -> None:
    if change.phase is Phase.READY:
        remarks.print(f"  {change.name} is ready", style="green")
    elif change.note:
        remarks.print(f"  {change.name}: {change.note}", style="dim", markup=False)


def _announce(stack: Stack, seconds: float) -> None:
    settings = stack.settings()
    results.print(f"Canh is ready after {seconds:.1f} s.")
    results.print(f"  console   {api_url(settings)}")
    results.print(f"  kafka     {settings.kafka}{' (embedded)' if 'broker' in stack.embedded else ''}")
    results.print(f"  database  {'embedded PostgreSQL' if 'postgres' in stack.embedded else 'CANH_DATABASE_URL'}")
    results.print("Stop with Ctrl-C.")
