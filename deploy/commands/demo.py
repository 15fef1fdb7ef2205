"""`canh demo`: the whole system with a demo province, its people and a simulated scenario."""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta
from pathlib import Path

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from deploy.bootstrap import kafka_of, make_publisher, now, open_store
from deploy.commands.terminal import remarks, results
from deploy.commands.up import run
from deploy.demo.seed import seed_demo
from deploy.demo.workers import behind, until_idle, until_known
from deploy.local.home import Home
from deploy.settings import Settings
from deploy.stack import WORKERS
from schemas.errors import UsageError
from streams.sources.simulator import runner
from streams.sources.simulator.abstract import Scenario
from streams.sources.simulator.scenarios import SCENARIOS

DEFAULT_SCENARIO = "song-ba-flood"
DEFAULT_SPEED = 1800.0  # half an hour a second: the flood of six days in five minutes


def demo(
    *,
    scenario: str = DEFAULT_SCENARIO,
    speed: float | None = None,
    seed: int = 1,
    history_h: float = 3.0,
    truth: Path | None = None,
) -> None:
    """Start everything with the demo province and play a scenario; stop with Ctrl-C.

    All that it shows is simulated and says so. The ground truth of the scenario is written as JSON.

    Parameters
    ----------
    scenario
        song-ba-flood, urban-day, storm-of-alarms or sensor-faults.
    speed
        60 plays an hour in a minute, 0 as fast as possible; without it the flood runs at 1800, the others live.
        sensor-faults can only be live: its wrong clocks show beside the real time alone.
    seed
        Same seed, same events.
    history_h
        A live scenario began so many hours ago (sensor-faults: 2 at most); its past is sent at once.
    truth
        Where to write the ground truth (default: truth-SCENARIO.json in the home directory).
    """
    if scenario not in SCENARIOS:
        raise UsageError(f"There is no scenario {scenario!r}: choose among {', '.join(SCENARIOS)}.")
    settings = Settings.load()
    chosen = SCENARIOS[scenario]
    pace = speed if speed is not None else (1.0 if chosen.start is None else DEFAULT_SPEED)
    history = _hours(history_h)
    runner.plan(chosen, now(), speed=pace, history=history)  # what cannot be is said before anything starts
    path = (settings.home / f"truth-{scenario}.json" if truth is None else _writable(truth)).absolute()

    async def work(running: Settings, stopping: asyncio.Event) -> None:
        await _people_and_places(running, chosen, stopping)
        await _play(running, chosen, stopping, pace=pace, seed=seed, history=history, truth=path)

    run(settings, work)


def _hours(number: float) -> timedelta:
    try:
        return timedelta(hours=number)
    except (ValueError, OverflowError):
        raise UsageError(f"--history-h {number}: give a number of hours, 0 or more.") from None


def _writable(path: Path) -> Path:
    """Give the path if a file can be written there, so that nobody waits for a scenario without a truth."""
    there = path if path.exists() else path.absolute().parent
    if path.is_dir() or not there.exists() or not os.access(there, os.W_OK):
        raise UsageError(
            f"--truth {path}: no file can be written there; name a file in a directory that you may write."
        )
    return path


async def _people_and_places(settings: Settings, scenario: Scenario, stopping: asyncio.Event) -> None:
    """Register the demo's world and people; passwords are shown when they are made, and never again."""
    async with open_store(settings, "demo") as store:
        passwords = await seed_demo(store, scenario)
        version = await store.registry_version()
    if passwords:
        results.print("People of the demo (passwords are shown this once):")
        for name, password in passwords.items():
            results.print(f"  {name:12} {password}", markup=False)
    else:
        results.print("People of the demo keep their passwords; `canh user password NAME` gives a new one.")
    running = Home(settings.home).addresses()
    await until_known([running[name] for name in WORKERS if name in running], version, stopping)


async def _play(
    settings: Settings,
    scenario: Scenario,
    stopping: asyncio.Event,
    *,
    pace: float,
    seed: int,
    history: timedelta,
    truth: Path,
) -> None:
    how = runner.plan(scenario, now(), speed=pace, history=history)
    publisher = make_publisher(settings)
    await publisher.start()
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[at]}"), TimeElapsedColumn())
    try:
        with Progress(*columns, console=remarks, disable=not remarks.is_terminal) as bar:
            task = bar.add_task(f"{scenario.title.vi} (mô phỏng)", total=1.0, at="")

            def report(done: runner.Progress) -> None:
                bar.update(task, completed=done.part, at=f"{done.at:%d/%m/%Y %H:%M}")

            done = await runner.run(
                scenario, publisher, how, seed=seed, truth_path=truth, progress=report, stop=stopping
            )
            left = await _work_off(settings, stopping, bar)
    finally:
        await publisher.stop()
    if not stopping.is_set():
        how_far = f"; {left} records are still waiting for the workers" if left else " and processed"
        results.print(
            f"The scenario is over: {done.sent} events sent{how_far}. The ground truth is in {truth}.", markup=False
        )


async def _work_off(settings: Settings, stopping: asyncio.Event, bar: Progress) -> int:
    """Wait until the workers have done what was sent, so that the truth can be compared; give what is left."""
    task = bar.add_task("all sent; the workers have still to do", total=None, at="")
    async with open_store(settings, "demo") as store:
        return await until_idle(
            lambda: behind(kafka_of(settings), store), lambda left: bar.update(task, at=f"{left} records"), stopping
        )
