"""The ports of `canh up`: reads the settings, gives each server of ours the port that it gets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from deploy.local.home import choose_port
from deploy.local.server import LOOPBACK
from deploy.settings import Settings
from schemas.errors import UsageError


@dataclass(frozen=True, slots=True)
class Wanted:
    """A port that a server of ours will listen on; `number` 0 is any free one, `variable` what sets it."""

    server: str
    what: str
    variable: str
    number: int
    host: str = LOOPBACK

    def chosen(self) -> int:
        """Give the port; raises UsageError with the way out when it cannot be had."""
        return choose_port(self.number, self.what, self.variable, self.host)


def wanted(settings: Settings, workers: Sequence[str]) -> Iterator[Wanted]:
    """Give what `canh up` will listen on: nothing for the servers that are named instead.

    A worker's health and metrics are on CANH_METRICS_PORT and the ports after it, or on any free ones.
    """
    yield Wanted("api", "API and console", "CANH_API_PORT", settings.api_port, settings.api_host)
    if not settings.kafka:
        yield Wanted("broker", "embedded broker", "CANH_BROKER_PORT", settings.broker_port)
    if not settings.database_url:
        yield Wanted("postgres", "embedded PostgreSQL", "CANH_DATABASE_PORT", settings.database_port)
    first = settings.metrics_port
    for number, worker in enumerate(workers):
        yield Wanted(worker, f"health of the {worker}", "CANH_METRICS_PORT", first + number if first else 0)


def choose(settings: Settings, workers: Sequence[str]) -> Mapping[str, int]:
    """Give each server its port; raises UsageError when two would get the same one, or one is taken."""
    asked = list(wanted(settings, workers))
    refuse_doubles(asked)
    fixed = {each.server: each.chosen() for each in asked if each.number}
    free: dict[str, int] = {}
    for each in asked:
        while each.server not in fixed | free:
            port = each.chosen()
            free |= {} if port in fixed.values() else {each.server: port}
    return fixed | free


def refuse_doubles(asked: Sequence[Wanted]) -> None:
    """Raise UsageError when two servers would get the same port."""
    users: dict[int, Wanted] = {}
    for each in asked:
        other = users.setdefault(each.number, each) if each.number else each
        if other is not each:
            raise UsageError(
                f"Port {each.number} would be taken by the {other.what} ({other.variable}) and by the {each.what} "
                f"({each.variable}): set one of them to another port ({each.variable}=0 takes any free one)."
            )
