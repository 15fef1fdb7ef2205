"""Finds in a table of events what the machine of silence must see: for most keys one event a batch, the last.

The machine takes one event for each slot (see absence.py). Of a key that was heard of again before each of its
deadlines only where it ends is of interest, and that is the case of nearly all keys, nearly always.

In NumPy rather than Polars: some twenty steps, which cost Polars 0.1 ms each however few rows there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
import polars as pl

from streams.rules import absence
from streams.rules.frame import Table
from streams.rules.plan import Plan
from streams.rules.rows import Flags, Numbers
from streams.rules.state import MICROSECOND, States, heard_at, time_of

#: Stands for no time, before all times.
_NEVER = np.iinfo(np.int64).min


class Heard(NamedTuple):
    """An event that a machine of silence hears: its row in the table that came with it, key, time and time-out."""

    i: int
    key: str
    at: datetime
    timeout: timedelta


class Steady(NamedTuple):
    """Keys none of whose events let a deadline pass, so that their states are simply moved on; as columns.

    Of each: key, time, time-out and the deadline that it has now, in microseconds. They are the first rows of the table
    that came with them.
    """

    keys: list[str]
    at: list[int]
    timeout: list[int]
    deadline: list[int]

    def heard(self, number: int) -> Heard:
        """Give one of them."""
        at, timeout = time_of(self.at[number]), self.timeout[number] * MICROSECOND
        return Heard(number, self.keys[number], at, timeout)


class News(NamedTuple):
    """What changes states of a rule of silence: a table of just these rows; what is heard one by one, in this order."""

    table: Table
    heard: list[Heard]
    steady: Steady


class _Rows(NamedTuple):
    """Rows that a rule hears: number in the table, of the key, time, time-out, slot and its length, in microseconds."""

    row: Numbers
    key: Numbers
    at: Numbers
    timeout: Numbers
    slot: Numbers
    length: Numbers

    def pick(self, which: Numbers | Flags) -> _Rows:
        return _Rows(*(column[which] for column in self))


def news(plan: Plan, table: Table, states: States) -> News:
    """Give what changes states of a rule of silence."""
    rows, keys = _heard(plan, table)
    due, last_at = _known(plan, keys, states)
    rows = _first_of_slots(rows.pick((due[rows.key] == _NEVER) | (rows.at + rows.timeout >= due[rows.key])))
    deadline = np.maximum((rows.slot + 1) * rows.length + rows.timeout, due[rows.key])
    follows = _like_before(rows.key)
    steady = _steady(rows, follows, deadline, due[rows.key], last_at[rows.key])
    last = np.flatnonzero(steady & np.append(~follows, True)[1:])
    told = np.flatnonzero(~steady)
    told = told[np.lexsort((rows.row[told], rows.at[told]))]
    columns = (column[told].tolist() for column in (rows.key, rows.at, rows.timeout))
    heard = [
        Heard(i, keys[key], time_of(at), timeout * MICROSECOND)
        for i, (key, at, timeout) in enumerate(zip(*columns, strict=True), len(last))
    ]
    key, at, timeout, until = (column[last].tolist() for column in (rows.key, rows.at, rows.timeout, deadline))
    picked = table.pick(rows.row[np.concatenate([last, told])])
    return News(picked, heard, Steady([keys[one] for one in key], at, timeout, until))


def _heard(plan: Plan, table: Table) -> tuple[_Rows, list[str]]:
    """Give the rows that a rule hears, and their keys.

    A device was alive at the event's time, or when its event was received where its clock is ahead.
    """
    cadences = table.cadences()
    timeouts = {source: plan.timeout(cadence) for source, cadence in cadences.items()}
    ahead, earliest = table.future(), pl.min_horizontal("observed_at", "received_at")
    alive = pl.when(pl.Series(ahead)).then(earliest).otherwise("observed_at") if ahead.any() else pl.col("observed_at")
    frame = table.frame(plan.reads | {plan.key, "observed_at", "received_at", "source"}).select(
        "#",
        key=pl.col(plan.key).cast(pl.String),
        at=alive.to_physical(),
        timeout=_by_source(timeouts),
        hit=plan.hits,
    )
    frame = frame.filter(pl.col("hit") & pl.col("timeout").is_not_null())
    key, keys = _numbered(frame.get_column("key"))
    row, at, timeout = (frame.get_column(name).to_numpy().astype(np.int64) for name in ("#", "at", "timeout"))
    length = _slots(timeout, timeouts.values())
    return _Rows(row, key, at, timeout, at // length, length), keys


def _numbered(said: pl.Series) -> tuple[Numbers, list[str]]:
    """Give the number of each row's key, and the keys; neighbours mostly have the same, so runs are looked up."""
    run = said.rle_id().to_numpy().astype(np.int64)
    of_runs = said.gather(np.flatnonzero(np.diff(run, prepend=-1))).to_list()
    numbers = {key: number for number, key in enumerate(dict.fromkeys(of_runs))}
    return np.array(list(map(numbers.__getitem__, of_runs)), np.int64)[run], list(numbers)


def _by_source(spans: Mapping[str, timedelta | None]) -> pl.Expr:
    """Give what a span is for each row's source, in microseconds."""
    numbers = [None if span is None else span // MICROSECOND for span in spans.values()]
    return pl.col("source").replace_strict([*spans], numbers, return_dtype=pl.Int64)


def _slots(timeout: Numbers, known: Iterable[timedelta | None]) -> Numbers:
    """Give the length of each row's slot, in microseconds."""
    length = np.ones(len(timeout), np.int64)
    for one in {one for one in known if one is not None}:
        length[timeout == one // MICROSECOND] = absence.slot_of(one) // MICROSECOND
    return length


def _known(plan: Plan, keys: Sequence[str], states: States) -> tuple[Numbers, Numbers]:
    """Give each key's deadline, and when it was last heard of unless it counts as absent."""
    deadlines, found = states.deadlines(plan.rule.id), states.of(plan.rule.id)
    last_at = [_NEVER if (at := heard_at(found.get(key))) is None else at for key in keys]
    return np.array([deadlines.get(key, _NEVER) for key in keys], np.int64), np.array(last_at, np.int64)


def _first_of_slots(rows: _Rows) -> _Rows:
    """Sort by key and time; of the events of a key in one slot, the first says all (see absence.deadline_after)."""
    rows = rows.pick(np.lexsort((rows.row, rows.at, rows.key)))
    return rows.pick(~(_like_before(rows.key) & _like_before(rows.slot) & _like_before(rows.timeout)))


def _steady(rows: _Rows, follows: Flags, deadline: Numbers, due: Numbers, last_at: Numbers) -> Flags:
    """Say of each row whether its key's events all come before the deadline that stood when they came.

    Mixed time-outs (a source's cadence has just changed) and what is older than the newest known are looked at one by
    one.
    """
    if not len(follows):
        return follows
    new, before, same = due == _NEVER, np.roll(deadline, 1), _like_before(rows.timeout)
    in_time = np.where(follows, (rows.at < before) & same, new | (rows.at < due))
    in_time &= new | ((last_at != _NEVER) & (rows.at > last_at))
    starts = np.flatnonzero(~follows)
    steady: Flags = np.repeat(np.logical_and.reduceat(in_time, starts), np.diff(np.append(starts, len(follows))))
    return steady


def _like_before(column: Numbers) -> Flags:
    """Say of each row whether it has the same as the row before it."""
    same = np.zeros(len(column), np.bool_)
    np.equal(column[1:], column[:-1], out=same[1:])
    return same
