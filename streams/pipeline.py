r"""READ FIRST: the whole pipeline as one table, topic in -> hop -> what it writes.

    source -> canh.raw.*  -> normalize -> canh.observations | canh.events -> store    -> observation, event tables
                                 |                                        \-> evaluate -> rule states, signals
                                 \-> dead letters                                            | (outbox, relay)
                            incident tables <- correlate <- canh.signals <-------------------/
                                  \-> feed, and (outbox, relay) canh.incidents

Two lanes run side by side, each with its own Kafka consumer, so a flood of telemetry never delays an alarm.
Every hop commits what it writes together with its next offset in one database transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from schemas.events import Lane
from schemas.topics import EVENTS, OBSERVATIONS, RAW_BULK, RAW_PRIORITY, SIGNALS, Topic

HopName = Literal["normalize", "store", "evaluate", "correlate"]


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the table: in a lane, a hop reads a topic and (for normalize) sends on to another."""

    lane: Lane
    hop: HopName
    reads: Topic
    sends: Topic | None
    writes: str


PIPELINE: tuple[Step, ...] = (
    Step(Lane.BULK, "normalize", RAW_BULK, OBSERVATIONS, "dead letters"),
    Step(Lane.BULK, "store", OBSERVATIONS, None, "observations, events, devices"),
    Step(Lane.BULK, "evaluate", OBSERVATIONS, None, "rule states, signals"),
    Step(Lane.PRIORITY, "normalize", RAW_PRIORITY, EVENTS, "dead letters"),
    Step(Lane.PRIORITY, "store", EVENTS, None, "observations, events, devices"),
    Step(Lane.PRIORITY, "evaluate", EVENTS, None, "rule states, signals"),
    Step(Lane.PRIORITY, "correlate", SIGNALS, None, "incidents, changes, links"),
)

#: The relay moves the outbox to its topics; it reads no topic, so it is no row above.
RELAY = "relay"


def steps(only: frozenset[str] = frozenset(), lane: Lane | None = None) -> list[Step]:
    """Give the rows for a worker: all of them, or only some hops, or only one lane."""
    return [step for step in PIPELINE if (not only or step.hop in only) and (lane is None or step.lane == lane)]


def step_before(topic: Topic) -> Step | None:
    """Give the step that sends to a topic; None: what is in it comes from outside, or by the outbox."""
    return next((step for step in PIPELINE if step.sends == topic), None)
