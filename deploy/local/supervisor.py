"""Keeps services running: reads what `plan` decides, gives live processes in order and ends them in reverse."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from deploy.local import plan
from deploy.local.home import Home
from deploy.local.plan import Phase, State
from deploy.local.process import Child, last_lines
from deploy.local.service import Service
from schemas.errors import BackpressureError, UsageError

STARTING_TICK_S = 0.05
STEADY_TICK_S = 0.25
LOG_CHECK_S = 10.0


@dataclass(frozen=True, slots=True)
class Change:
    """Something a person may want to read: a service, its new phase, and why."""

    name: str
    phase: Phase
    note: str = ""


def _ignore(_change: Change) -> None:
    """Tell nobody."""


async def _at_once() -> None:
    """Wait for nobody."""


class Supervisor:
    """Runs services inside one asyncio loop, which must be the main thread's.

    `on_change` hears every change of phase. Use `run`, or `start`, `watch` and `stop` apart.
    """

    def __init__(
        self, services: Sequence[Service], home: Home, *, on_change: Callable[[Change], None] = _ignore
    ) -> None:
        order = plan.start_order(services)
        self._services = {name: service for name in order for service in services if service.name == name}
        self._states = {name: State() for name in order}
        self._children: dict[str, Child] = {}
        self._home = home
        self._on_change = on_change
        self._stop_asked = asyncio.Event()
        self._hurry = False
        self._disk_is_low = False

    def pid(self, name: str) -> int | None:
        """Give the process id of a service, None while it does not run."""
        child = self._children.get(name)
        return child.pid if child is not None and child.running() else None

    def all_ready(self) -> bool:
        """Tell whether every service is ready."""
        return all(state.phase is Phase.READY for state in self._states.values())

    def ask_to_stop(self) -> None:
        """Begin to stop; asked a second time, do not wait for anybody's polite end."""
        self._hurry = self._stop_asked.is_set()
        self._stop_asked.set()

    async def run(self, *, on_ready: Callable[[], None], before_end: Callable[[], Awaitable[None]] = _at_once) -> None:
        """Start everything, call `on_ready` once, keep it running until SIGINT, SIGTERM or `ask_to_stop`.

        `before_end` is waited for while the services still run: whoever uses them leaves first. Raises UsageError when
        a service cannot be started at all, and what `Service.final` says. In every case nothing is left running.
        """
        loop = asyncio.get_running_loop()
        for signal_number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(signal_number, self.ask_to_stop)
        try:
            await self.start()
            if not self._stop_asked.is_set():
                on_ready()
            await self.watch()
        finally:
            await self._end_all(before_end)
            for signal_number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(signal_number)

    async def _end_all(self, before_end: Callable[[], Awaitable[None]]) -> None:
        try:
            await before_end()
        finally:
            await self.stop()

    async def start(self) -> None:
        """Start all services in order; return when all are ready, or when asked to stop."""
        while not self.all_ready() and not self._stop_asked.is_set():
            await self._tick()
            for name, service in self._services.items():
                if plan.hopeless(service, self._states[name], time.monotonic()):
                    raise UsageError(self._why_hopeless(name))
            await self._sleep(STARTING_TICK_S)

    async def watch(self) -> None:
        """Restart what ends, for ever, until asked to stop; raises what a service's last exit code stands for."""
        next_log_check_s = 0.0
        while not self._stop_asked.is_set():
            await self._tick()
            if time.monotonic() >= next_log_check_s:
                await self._look_after_disk()
                next_log_check_s = time.monotonic() + LOG_CHECK_S
            await self._sleep(STEADY_TICK_S if self.all_ready() else STARTING_TICK_S)

    async def _look_after_disk(self) -> None:
        await asyncio.to_thread(self._home.bound_logs)
        shortage = await asyncio.to_thread(self._home.shortage)
        if bool(shortage) != self._disk_is_low:
            self._disk_is_low = bool(shortage)
            self._on_change(Change("disk", Phase.WAITING, shortage or "there is space again"))

    async def stop(self) -> None:
        """End all services, those first that others do not need."""
        self._stop_asked.set()
        while names := plan.to_stop(self._services.values(), self._states):
            await asyncio.gather(*(self._end(name) for name in names))

    async def _tick(self) -> None:
        self._notice_ends()
        await self._start_due()
        await asyncio.gather(*(self._probe(name) for name in self._in_phase(Phase.STARTING)))

    def _notice_ends(self) -> None:
        for name, child in list(self._children.items()):
            if not child.running():
                del self._children[name]
                self._home.pid_file(name).remove()
                self._judge_end(name, child.exit_code)
                self._note_failure(name, f"ended with code {child.exit_code}")

    def _judge_end(self, name: str, code: int | None) -> None:
        """Raise when a service must not be started again."""
        reason = None if code is None else self._services[name].final.get(code)
        if reason is not None:
            raise reason(f"{name}: {last_lines(self._home.logs_dir / f'{name}.log', 1)}")

    async def _start_due(self) -> None:
        for name in plan.due(self._services.values(), self._states, time.monotonic()):
            service = self._services[name]
            try:
                await asyncio.to_thread(service.prepare)
            except BackpressureError as error:  # what it stands on went away again: later
                self._note_failure(name, str(error))
                continue
            if self._stop_asked.is_set():
                return
            command = service.command()
            child = Child(command)  # here, in the main thread: see Child
            try:
                self._home.pid_file(name).write(child.pid, command.stop_signal)
            except OSError as error:  # a full disk; without its note a crash of ours might leave it behind
                child.kill()
                self._note_failure(name, f"its pid file cannot be written: {error.strerror}")
                continue
            self._children[name] = child
            self._set(name, plan.started(self._states[name], time.monotonic()), f"process {child.pid}")

    async def _probe(self, name: str) -> None:
        if await asyncio.to_thread(self._services[name].ready) and self._children[name].running():
            self._set(name, plan.became_ready(self._states[name], time.monotonic()))

    async def _end(self, name: str) -> None:
        child = self._children.pop(name, None)
        if child is not None:
            await self._end_child(child, self._services[name].stop_timeout_s)
            self._home.pid_file(name).remove()
        self._set(name, replace(self._states[name], phase=Phase.STOPPED))

    async def _end_child(self, child: Child, timeout_s: float) -> None:
        child.ask_to_stop()
        deadline_s = time.monotonic() + timeout_s
        while child.running() and time.monotonic() < deadline_s and not self._hurry:  # noqa: ASYNC110 -- an end has no event
            await asyncio.sleep(STARTING_TICK_S)
        child.kill()

    def _note_failure(self, name: str, why: str) -> None:
        now_s = time.monotonic()
        state = plan.ended(self._states[name], now_s)
        self._set(name, state, f"{why}, again in {state.not_before_s - now_s:.1f} s")

    def _why_hopeless(self, name: str) -> str:
        log = self._home.logs_dir / f"{name}.log"
        return f"{name} could not be started: {last_lines(log)} (log: {log})"

    def _in_phase(self, phase: Phase) -> Iterable[str]:
        return [name for name, state in self._states.items() if state.phase is phase]

    def _set(self, name: str, state: State, note: str = "") -> None:
        self._states[name] = state
        self._on_change(Change(name, state.phase, note))

    async def _sleep(self, seconds: float) -> None:
        """Sleep, but wake at once when asked to stop."""
        try:
            await asyncio.wait_for(self._stop_asked.wait(), seconds)
        except TimeoutError:
            return
