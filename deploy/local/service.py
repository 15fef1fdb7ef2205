"""Describes one process to keep running: reads a server or a command, gives what the supervisor needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from deploy.local.process import Command
from deploy.local.server import EmbeddedServer
from schemas.errors import CanhError


def _nothing() -> None:
    """Need no preparation."""


@dataclass(frozen=True, slots=True)
class Service:
    """One process to keep running.

    `prepare` (in a thread) and then `command` are called before every start; `ready` (in a thread) tells
    whether it does its work. `needs` are the services that must be ready before it starts. `final` are the exit codes
    after which it is not started again, for a person must look first: what is raised then, with its last words.
    """

    name: str
    command: Callable[[], Command]
    ready: Callable[[], bool]
    needs: tuple[str, ...] = ()
    prepare: Callable[[], None] = _nothing
    ready_timeout_s: float = 60.0
    stop_timeout_s: float = 15.0
    final: Mapping[int, type[CanhError]] = field(default_factory=dict)

    @classmethod
    def of(cls, server: EmbeddedServer) -> Service:
        """Describe an embedded server."""
        return cls(
            server.name,
            server.command,
            server.answers,
            prepare=server.prepare,
            ready_timeout_s=120.0,  # PostgreSQL may have a crash to recover from
            stop_timeout_s=server.stop_timeout_s,
        )
