"""Writes one Commit in one transaction: reads the order, gives what it did; always in the same order of tables.

The feed's head comes last: who holds it holds up every other change of incidents until the commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from schemas.codec import encode
from schemas.events import Signal
from schemas.store.abstract import Committed, Offset, RuleState
from schemas.store.feed import of_signal, overtaken
from schemas.store.timescale.audit import append_audit
from schemas.store.timescale.bulk import Optimism
from schemas.store.timescale.incidents import write_feed, write_incidents
from schemas.store.timescale.letters import store_letters
from schemas.store.timescale.seen import DeviceCache, write_newest
from schemas.store.timescale.statements import Connection, run
from schemas.store.timescale.telemetry import store_events, store_observations
from schemas.store.timescale.work import Work, columns, fields, outbox_columns

OFFSET = ("hop", "topic", "partition", "next_offset", "stamp_ms")
_SIGNAL = ("id", "rule", "kind", "action", "key", "episode", "severity", "observed_at", "commune")
_STATE_KEY = ("topic", "partition", "rule", "key")


async def write(work: Work, devices: DeviceCache, optimism: Optimism) -> Committed:
    """Write all of it; the caller commits."""
    commit = work.commit
    moved = await _offset(work.connection, commit.offset)
    if commit.observations is not None and len(commit.observations):
        await store_observations(work, commit.observations, optimism)
    if commit.events:
        await store_events(work, commit.events)
    await store_letters(work, [*commit.dead_letters, *work.clashes])
    await _signals(work, commit.signals)
    if moved:  # else this part of the log has been worked on already: newer states are there
        await _rule_states(work.connection, commit.rule_states)
    writes, known_ids = await write_incidents(work.connection, commit.incidents)
    await append_audit(work.connection, commit.audit)
    await write_newest(work.connection, work.newest, work.writer, devices, values=not commit.newest_later)
    feed_ids = await write_feed(work.connection, writes)
    return Committed(work.inserted, work.duplicates, len(work.clashes), (*known_ids, *feed_ids))


async def _offset(connection: Connection, offset: Offset | None) -> bool:
    """Move the offset; False when it stood further already. Raises ConflictError when that was not expected."""
    if offset is None or await run(connection, "put_offset", fields(offset, (*OFFSET, "expected"))):
        return True
    if offset.expected is None:
        return False
    raise overtaken(offset)


async def _signals(work: Work, signals: Sequence[Signal]) -> None:
    if not signals:
        return
    unique = {signal.id: signal for signal in signals}
    rows = [{**fields(unique[id_], _SIGNAL), "body": encode(unique[id_]).decode()} for id_ in sorted(unique)]
    outgoing = {"sent": list(unique), **outbox_columns([of_signal(signal) for signal in unique.values()])}
    outgoing["partition_key"] = outgoing.pop("key")
    await run(work.connection, "insert_signals", {**columns(rows, (*_SIGNAL, "body")), **outgoing})


async def _rule_states(connection: Connection, states: Sequence[RuleState]) -> None:
    last = {(s.topic, s.partition, s.rule, s.key): s for s in states}
    ordered = [last[key] for key in sorted(last)]
    kept = [(state, state.state) for state in ordered if state.state is not None]
    if kept:
        raw = [state for _, state in kept]
        await run(connection, "put_rule_states", {**_state_keys([state for state, _ in kept]), "state": raw})
    if dropped := [state for state in ordered if state.state is None]:
        await run(connection, "drop_rule_states", _state_keys(dropped))


def _state_keys(states: Sequence[RuleState]) -> dict[str, list[Any]]:
    return {name: [getattr(state, name) for state in states] for name in _STATE_KEY}
