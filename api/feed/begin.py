"""Begins a piece of asynchronous work at once, without a task of its own when it needs no waiting."""

from __future__ import annotations

import types
from collections.abc import Awaitable, Coroutine, Generator
from functools import partial
from typing import Any

Work = Coroutine[Any, Any, None]


def begin(work: Work) -> Awaitable[None] | None:
    """Run work up to where it must wait; give the rest of it to await in a task, None when it is done.

    A task for each write to each of thousands of clients costs more than the write, and nearly all writes end without
    waiting. The work must not ask for the current task before its first wait (no `asyncio.timeout` inside). What it
    raises, it raises where the rest is awaited.
    """
    try:
        waits_for = work.send(None)
    except StopIteration:
        return None
    except Exception as error:  # noqa: BLE001 -- told to who awaits; the others' turns go on
        return _failed(error)
    return _rest(work, waits_for)


async def _failed(error: Exception) -> None:
    raise error


@types.coroutine
def _rest(work: Work, waits_for: object) -> Generator[object, object, None]:
    """Be, for the task that awaits this, what `await work` would have been from its first wait on."""
    while True:
        try:
            go_on = partial(work.send, (yield waits_for))
        except BaseException as error:  # noqa: BLE001 -- a cancellation is the work's too
            go_on = partial(work.throw, error)
        try:
            waits_for = go_on()
        except StopIteration:
            return
